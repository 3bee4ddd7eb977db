"""What an operator sees of the demo: the statement, the trail of events, the worker's figures."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime

from infra.local import aws
from infra.local.demo_run import Run, until
from infra.local.event_trail import EventLog, Happening, Other, lacking, of_analysis, trail

TRAIL_SECONDS = 60.0


def show_statement(run: Run) -> None:
    entries = run.pages(f"{run.workspace}/ledger")
    pools = {pool["feature_code"]: pool for pool in run.api.get(f"{run.workspace}/credits")["items"]}
    columns = ("allowance", "hold", "settlement", "release", "deduction")
    costs: dict[str, int] = {}
    rows: list[tuple[str, ...]] = [("feature", *columns, "balance", "held")]
    for code, pool in pools.items():
        mine = [entry for entry in entries if entry["feature_code"] == code]
        if len(mine) < 2:
            continue  # nothing but its allowance
        moved = {
            kind: sum(entry["balance_change"] or entry["held_change"] for entry in mine if entry["kind"] == kind)
            for kind in columns
        }
        cells = (f"{moved[kind]:+}" if moved[kind] else "·" for kind in columns)
        rows.append((code, *cells, str(pool["balance"]), str(pool["held"])))
        costs[code] = -moved["settlement"] - moved["deduction"]
        adds_up = pool["balance"] == sum(entry["balance_change"] for entry in mine)
        adds_up = adds_up and pool["held"] == sum(entry["held_change"] for entry in mine)
        run.check(adds_up, f"the ledger of {code} adds up to its balance")
    run.costs = costs
    run.screen.heading("Credit statement", "a hold leaves the balance; its settlement consumes what was held")
    run.screen.table(rows, right=range(1, len(rows[0])), header=True)
    run.check(all(pool["held"] == 0 for pool in pools.values()), "nothing is held any more")
    settled = -sum(entry["held_change"] for entry in entries if entry["kind"] == "settlement")
    charged = run.analysis["credits_charged"]
    run.check(settled == charged, f"the analysis was settled once: {settled} credits")


def show_trail(run: Run) -> None:
    log = EventLog(run.operator("s3"), run.outputs["events_bucket"])
    analysis_id = run.analysis["analysis_id"]
    charged_features = len(run.analysis["features"])

    def read() -> list[Happening]:
        return of_analysis(log.since(run.started, datetime.now(UTC)), run.video_id, analysis_id)

    with run.screen.step("waiting until the event log has the whole story") as step:
        events = until(read, lambda found: not lacking(found, charged_features), TRAIL_SECONDS)
        step.outcome = "the event log has the whole story"
    missing = lacking(events, charged_features)
    run.screen.heading("Event trail of the analysis", f"correlation id {run.correlation_id}")
    rows = [("", "hop", "id", "caused by")]
    for hop in trail(events, _jobs(run, events)):
        name = hop.name if hop.is_event else f"({hop.name})"
        rows.append((str(hop.number), name, hop.message_id, str(hop.cause) if hop.cause else ""))
    run.screen.table(rows, right=(0,), header=True)
    run.check(not missing, "the event trail is complete" + (f"; it lacks {', '.join(missing)}" if missing else ""))
    foreign = {event.correlation_id for event in events} - {run.correlation_id}
    run.check(not foreign, "every event carries the one correlation id")
    completions = sum(event.name == "AnalysisCompleted" for event in events)
    run.check(completions == 1, f"{completions} completion event")


def _jobs(run: Run, events: Sequence[Happening]) -> dict[str, Other]:
    """The Batch job between the request of the analysis and its outcome, and the outcome, which is a queued command."""
    batch = aws.client("batch", run.outputs["batch_endpoint_url"])
    queue = run.outputs["analysis_job_queue_name"]
    outcome_id = next((event.cause_id for event in events if event.name == "AnalysisCompleted"), None)
    # The process ends a moment after its outcome was sent.
    for status in ("RUNNING", "SUCCEEDED", "FAILED"):
        for job in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]:
            if job["jobName"] == f"analysis-{run.analysis['analysis_id']}" and outcome_id is not None:
                (described,) = batch.describe_jobs(jobs=[job["jobId"]])["jobs"]
                environment = {one["name"]: one["value"] for one in described["container"]["environment"]}
                cause_id = json.loads(environment["VISIONSCOPE_JOB"])["causation_id"]
                return {
                    job["jobId"]: Other("Batch job", cause_id),
                    outcome_id: Other("worker's outcome", job["jobId"]),
                }
    return {}


def show_speed(run: Run) -> None:
    work = run.manifest.get("work")
    if work is None:
        return
    factor = run.manifest["duration_ms"] / 1000 / work["wall_seconds"]
    run.screen.heading("The worker", f"{work['cores']} cores")
    run.screen.line(
        f"  {run.manifest['duration_ms'] / 1000:.1f} s of video in {work['wall_seconds']:.1f} s: "
        f"{factor:.1f}× real time, at most {work['peak_mebibytes']} MiB"
    )
    parts = "  ".join(f"{part} {seconds:.1f} s" for part, seconds in work["seconds"].items())
    run.screen.line(run.screen.dim(f"  {parts}"))
