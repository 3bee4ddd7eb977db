"""`python -m infra.local.demo`: a real video, uploaded, analysed and asked about, through the local stack.

Everything a customer would do is done over HTTP, as any client would do it. What only an operator sees (the event log,
the worker's figures) is read with the operator's credentials of `.local/outputs.json`. `VIDEO` names a video of one's
own; without it the trailer is taken, whose contents are known, and what was found in it is checked.
"""

import json
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from infra.local import aws
from infra.local.client import ApiClient, ApiRefused, ApiUnreachable, upload
from infra.local.clips import ClipUnavailable, trailer
from infra.local.deploy import DeployFailed
from infra.local.event_trail import EventLog, Happening, Other, lacking, of_analysis, trail
from infra.local.expectations import (
    BIRD_QUESTION,
    Check,
    check_bird,
    check_captions,
    check_cuts,
    clock,
    letters,
    span,
)
from infra.local.install import InstallFailed
from infra.local.layout import Layout
from infra.local.processes import is_held
from infra.local.screen import Screen
from infra.local.stack import StackFailed, down, up

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
}
UPLOAD_SEEN_SECONDS = 60.0
DEADLINE_GRACE = timedelta(minutes=3)
TRAIL_SECONDS = 60.0
INTERRUPTED = 130

UNANSWERABLE = "Who was elected president?"


class StepFailed(Exception):
    """A step didn't come out as it should; the message says what is wrong."""


@dataclass(slots=True)
class Run:
    """One run of the demo: who acts, on what, and what has been learned so far."""

    screen: Screen
    api: ApiClient
    outputs: Mapping[str, str]
    video: Path
    is_trailer: bool
    correlation_id: str
    started: datetime
    workspace: str = ""
    video_id: str = ""
    analysis: Mapping[str, Any] = field(default_factory=dict[str, Any])
    manifest: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shots: Sequence[Mapping[str, Any]] = ()
    checks: list[Check] = field(default_factory=list[Check])

    @property
    def video_path(self) -> str:
        return f"{self.workspace}/videos/{self.video_id}"

    def check(self, held: bool, what: str) -> None:
        self.checks.append(Check(held, what))

    def segments(self, kind: str) -> list[Mapping[str, Any]]:
        """The texts or the speech of the timeline, each once: one may lie in several shots."""
        found = {segment["segment_id"]: segment for shot in self.shots for segment in shot[kind]}
        return sorted(found.values(), key=lambda segment: int(segment["start_ms"]))

    def pages(self, path: str, items: str = "items") -> list[Mapping[str, Any]]:
        """All items of a list, page by page."""
        found: list[Mapping[str, Any]] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = self.api.get(path, limit=100, **cursor)
            found += page[items]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}


def main() -> int:
    # A terminal that closes and whoever stops us deserve the same clean-up as Ctrl-C.
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    screen, layout = Screen(), Layout.of_this_checkout()
    was_running = is_held(layout.stack_lock)
    try:
        return _demonstrate(screen, layout)
    except (StepFailed, ApiRefused, ApiUnreachable, ClipUnavailable) as error:
        screen.line(f"\n{screen.red('The demo failed.')} {error}")
        screen.line(f"Logs: {layout.logs}")
        return 1
    except (StackFailed, InstallFailed, DeployFailed) as error:
        screen.line(f"\n{screen.red('The local stack failed.')} {error}")
        return 1
    except KeyboardInterrupt:
        screen.line("\nInterrupted.")
        return INTERRUPTED
    finally:
        _leave_as_found(screen, layout, was_running=was_running)


def _demonstrate(screen: Screen, layout: Layout) -> int:
    video, is_trailer = _video()
    screen.line(screen.bold(f"VisionScope demo: {video.name}"))
    if is_trailer:
        screen.line(screen.dim("Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0"))
    screen.line()
    up(layout)
    outputs: Mapping[str, str] = json.loads(layout.outputs.read_text())
    correlation_id = f"demo-{secrets.token_hex(8)}"
    with ApiClient(outputs["api_url"], correlation_id) as api:
        run = Run(screen, api, outputs, video, is_trailer, correlation_id, started=datetime.now(UTC))
        screen.heading("As a customer, over HTTP", outputs["api_url"])
        _enter(run)
        _upload(run)
        _analyse(run)
        _show_timeline(run)
        _search(run)
        _ask(run)
        _show_statement(run)
        _show_trail(run)
        _show_speed(run)
        return _verdict(run)


def _video() -> tuple[Path, bool]:
    named = os.environ.get("VIDEO", "")
    if not named:
        return trailer(), True
    video = Path(named).expanduser()
    if not video.is_file():
        raise StepFailed(f"There is no file {video}.")
    if video.suffix.lower() not in CONTENT_TYPES:
        raise StepFailed(f"{video.name} ends with none of {', '.join(CONTENT_TYPES)}.")
    return video, False


def _enter(run: Run) -> None:
    email, password = f"demo-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(24)
    with run.screen.step("registering and logging in") as step:
        run.api.post("/v1/users", {"email": email, "password": password, "name": "Demo"})
        run.api.log_in(email, password)
        step.outcome = f"registered and logged in as {email}"
    with run.screen.step("creating a workspace") as step:
        workspace = run.api.post("/v1/workspaces", {"name": "Demo"}, key=_key())
        run.workspace = f"/v1/workspaces/{workspace['workspace_id']}"
        balances = run.api.get(f"{run.workspace}/credits")["items"]
        step.outcome = f"created a workspace: {workspace['tier']} tier, {sum(p['balance'] for p in balances)} credits"


def _upload(run: Run) -> None:
    size = run.video.stat().st_size
    with run.screen.step(f"uploading {size / 1e6:.1f} MB") as step:
        body = {
            "file_name": run.video.name,
            "content_type": CONTENT_TYPES[run.video.suffix.lower()],
            "size_bytes": size,
        }
        created = run.api.post(f"{run.workspace}/videos", body, key=_key())
        run.video_id = created["video"]["video_id"]
        answer = upload(created["upload"], run.video)
        if not answer.is_success:
            raise StepFailed(f"S3 answered the upload with {answer.status_code}: {answer.text[:300]}")
        step.outcome = f"uploaded {size / 1e6:.1f} MB by presigned POST"
    with run.screen.step("waiting until the upload is examined") as step:
        video = _until(
            lambda: run.api.get(run.video_path), lambda one: one["status"] != "awaiting_upload", UPLOAD_SEEN_SECONDS
        )
        if video["status"] != "uploaded":
            rejection = video["rejection"] or {"message": f"Its status is {video['status']}.", "reason": "none"}
            raise StepFailed(f"The video was {video['status']}: {rejection['message']} ({rejection['reason']})")
        step.outcome = f"examined: {clock(video['duration_ms'])}, {video['width']}×{video['height']}"


def _analyse(run: Run) -> None:
    with run.screen.step("estimating") as step:
        estimate = run.api.post(f"{run.video_path}/analyses/estimate", {}, expect=200)
        by_feature = ", ".join(f"{amount} {code}" for code, amount in estimate["by_feature"].items())
        step.outcome = f"estimated: {by_feature}"
    with run.screen.step("analysing") as step:
        key = _key()
        analysis = run.api.post(f"{run.video_path}/analyses", {}, key=key, expect=202)
        again = run.api.post(f"{run.video_path}/analyses", {}, key=key, expect=202)
        run.check(again["analysis_id"] == analysis["analysis_id"], "the same request sent twice made one analysis")
        path = f"{run.video_path}/analyses/{analysis['analysis_id']}"
        # Every analysis ends by its deadline, so this loop does too, unless that is what is broken.
        given_up = datetime.fromisoformat(analysis["deadline_at"]) + DEADLINE_GRACE
        while analysis["status"] in ("queued", "running"):
            if datetime.now(UTC) > given_up:
                raise StepFailed(f"The analysis is {analysis['status']} beyond its deadline.")
            time.sleep(0.5)
            analysis = run.api.get(path)
            step.progress(analysis["progress"], analysis["status"])
        if analysis["status"] != "completed":
            error = analysis["error"] or {"message": "No reason was given.", "reason": "none"}
            raise StepFailed(f"The analysis {analysis['status']}: {error['message']} ({error['reason']})")
        run.analysis = analysis
        step.outcome = f"analysed: {', '.join(analysis['features'])}"
    manifest_key = "/".join(
        (run.workspace.rsplit("/", 1)[1], run.video_id, analysis["analysis_id"], "v1/manifest.json")
    )
    body = _operator(run, "s3").get_object(Bucket=run.outputs["results_bucket"], Key=manifest_key)["Body"].read()
    run.manifest = json.loads(body)


def _show_timeline(run: Run) -> None:
    screen = run.screen
    run.shots = run.pages(f"{run.video_path}/timeline", "shots")
    transcript = run.pages(f"{run.video_path}/transcript")
    screen.heading("Timeline", f"{len(run.shots)} shot{'s' if len(run.shots) != 1 else ''}")
    told: set[str] = set()
    for shot in run.shots:
        screen.line(f"  {span(shot)}  {screen.dim(shot['segment_id'])}")
        for kind, mark in (("text", "on screen"), ("speech", "spoken")):
            for segment in shot[kind]:
                if segment["segment_id"] not in told:
                    told.add(segment["segment_id"])
                    screen.line(f"      {span(segment)}  {mark:<9}  {_short(segment['text'], 70)}")
    if not transcript:
        screen.line(screen.dim("  nothing is spoken"))
    if run.is_trailer:
        run.checks += check_captions(run.segments("text"))
        run.checks += check_cuts(run.shots, run.manifest["frame_rate"])


def _search(run: Run) -> None:
    if run.is_trailer:
        wanted = "an animal wants revenge"
    else:
        segments = run.segments("text") + run.segments("speech")
        if not segments:
            return
        wanted = _short(max((segment["text"] for segment in segments), key=len), 60)
    found = run.api.get(f"{run.video_path}/moments", q=wanted, limit=3)["items"]
    run.screen.heading("Search", f"“{wanted}”")
    if found:
        run.screen.table(
            [
                (f"{moment['score']:.2f}", span(moment), moment["kind"], _short(moment["snippet"], 60))
                for moment in found
            ]
        )
    run.check(bool(found), f"the search for “{wanted}” finds something")


def _ask(run: Run) -> None:
    screen = run.screen
    conversation = run.api.post(f"{run.workspace}/conversations", {"video_ids": [run.video_id]}, key=_key())
    path = f"{run.workspace}/conversations/{conversation['conversation_id']}/questions"
    screen.heading("Questions")
    answers: list[Mapping[str, Any]] = []
    for question in _questions(run):
        answer = run.api.post(path, {"question": question}, key=_key())
        answers.append(answer)
        screen.line(f"  {screen.bold(question)}")
        screen.line(f"    {answer['answer']}")
        for citation in answer["citations"]:
            cited = f"[{citation['segment_id']}, {span(citation)}]"
            screen.line(f"    {screen.dim(cited)}")
        if not answer["grounded"]:
            screen.line(f"    {screen.dim('[grounded: false]')}")
    *answerable, unanswerable = answers
    if run.is_trailer:
        held = not unanswerable["grounded"] and not unanswerable["citations"]
        run.check(held, f"“{UNANSWERABLE}” is not known, and nothing is cited")
    else:
        # Who knows what one's own video tells: but an answer without a citation is none, and a citation is an answer.
        held = unanswerable["grounded"] == bool(unanswerable["citations"])
        run.check(held, f"“{UNANSWERABLE}” is answered with citations, or not at all")
    for answer in answerable:
        run.check(answer["grounded"] and bool(answer["citations"]), f"“{answer['question']}” is answered and cited")
    if run.is_trailer:
        run.checks.append(check_bird(answers[0]["citations"]))


def _questions(run: Run) -> list[str]:
    if run.is_trailer:
        return [BIRD_QUESTION, "What is written about a bunny?", UNANSWERABLE]
    # Of an unknown video only what was found in it can be asked about and judged.
    questions: list[str] = []
    for kind, verb in (("speech", "said"), ("text", "written")):
        segments = [segment for segment in run.segments(kind) if len(letters(segment["text"])) >= 8]
        if segments:
            questions.append(f"When is “{_first_words(segments[0]['text'])}” {verb}?")
            if len(segments) > 1:
                questions.append(f"When is “{_first_words(segments[-1]['text'])}” {verb}?")
    return [*questions[:2], UNANSWERABLE]


def _show_statement(run: Run) -> None:
    entries = run.pages(f"{run.workspace}/ledger")
    pools = {pool["feature_code"]: pool for pool in run.api.get(f"{run.workspace}/credits")["items"]}
    columns = ("allowance", "hold", "settlement", "release", "deduction")
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
        adds_up = pool["balance"] == sum(entry["balance_change"] for entry in mine)
        adds_up = adds_up and pool["held"] == sum(entry["held_change"] for entry in mine)
        run.check(adds_up, f"the ledger of {code} adds up to its balance")
    run.screen.heading("Credit statement", "a hold leaves the balance; its settlement consumes what was held")
    run.screen.table(rows, right=range(1, len(rows[0])), header=True)
    run.check(all(pool["held"] == 0 for pool in pools.values()), "nothing is held any more")
    settled = -sum(entry["held_change"] for entry in entries if entry["kind"] == "settlement")
    charged = run.analysis["credits_charged"]
    run.check(settled == charged, f"the analysis was settled once: {settled} credits")


def _show_trail(run: Run) -> None:
    log = EventLog(_operator(run, "s3"), run.outputs["events_bucket"])
    analysis_id = run.analysis["analysis_id"]
    charged_features = len(run.analysis["features"])

    def read() -> list[Happening]:
        return of_analysis(log.since(run.started, datetime.now(UTC)), run.video_id, analysis_id)

    with run.screen.step("waiting until the event log has the whole story") as step:
        events = _until(read, lambda found: not lacking(found, charged_features), TRAIL_SECONDS)
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


def _show_speed(run: Run) -> None:
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


def _verdict(run: Run) -> int:
    run.screen.heading("Checks")
    for check in run.checks:
        run.screen.check(check.held, check.what)
    failed = [check.what for check in run.checks if not check.held]
    if failed:
        run.screen.line(f"\n{run.screen.red(f'{len(failed)} of {len(run.checks)} checks failed:')}")
        for what in failed:
            run.screen.line(f"  {what}")
        return 1
    run.screen.line(f"\n{run.screen.green(f'All {len(run.checks)} checks hold.')}")
    return 0


def _leave_as_found(screen: Screen, layout: Layout, *, was_running: bool) -> None:
    screen.line()
    if was_running:
        screen.line("The local stack was running before and still is: `make local-stop` stops it.")
    elif is_held(layout.stack_lock):
        down(layout)
        screen.line("`make local` starts one that stays, to try requests of your own.")


def interrupt(signal_number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _until(read: Callable[[], Any], settled: Callable[[Any], bool], seconds: float) -> Any:
    """What was read when it had settled, or at last."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if settled(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def _operator(run: Run, service: str) -> Any:
    return aws.client(service, run.outputs["endpoint_url"])


def _key() -> str:
    return secrets.token_urlsafe(16)


def _short(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"


def _first_words(text: str) -> str:
    """Enough of a sentence to know it again by, without the quotation marks that would end a quotation early."""
    return " ".join(re.sub(r"[\"“”„«»]", "", text).split()[:8])


if __name__ == "__main__":
    sys.exit(main())
