"""What a customer does in the demo, over HTTP: upload, have it analysed, look, search, ask."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from infra.local.client import upload as send_file
from infra.local.clips import TWO_CITIES_TEXT
from infra.local.demo_run import Run, StepFailed, idempotency_key, short, until
from infra.local.expectations import (
    BIRD_QUESTION,
    READING_ANSWER,
    READING_QUESTION,
    check_bird,
    check_captions,
    check_cuts,
    check_reading,
    clock,
    letters,
    span,
)

CONTENT_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
}
UPLOAD_SEEN_SECONDS = 60.0
DEADLINE_GRACE = timedelta(minutes=3)

UNANSWERABLE = "Who was elected president?"


def enter(run: Run) -> None:
    email, password = f"demo-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(24)
    with run.screen.step("registering and logging in") as step:
        run.api.post("/v1/users", {"email": email, "password": password, "name": "Demo"})
        run.api.log_in(email, password)
        step.outcome = f"registered and logged in as {email}"
    with run.screen.step("creating a workspace") as step:
        workspace = run.api.post("/v1/workspaces", {"name": "Demo"}, key=idempotency_key())
        run.workspace = f"/v1/workspaces/{workspace['workspace_id']}"
        balances = run.api.get(f"{run.workspace}/credits")["items"]
        step.outcome = f"created a workspace: {workspace['tier']} tier, {sum(p['balance'] for p in balances)} credits"


def upload(run: Run) -> None:
    size = run.video.stat().st_size
    with run.screen.step(f"uploading {size / 1e6:.1f} MB") as step:
        body = {
            "file_name": run.video.name,
            "content_type": CONTENT_TYPES[run.video.suffix.lower()],
            "size_bytes": size,
        }
        created = run.api.post(f"{run.workspace}/videos", body, key=idempotency_key())
        run.video_id = created["video"]["video_id"]
        answer = send_file(created["upload"], run.video)
        if not answer.is_success:
            raise StepFailed(f"S3 answered the upload with {answer.status_code}: {answer.text[:300]}")
        step.outcome = f"uploaded {size / 1e6:.1f} MB by presigned POST"
    with run.screen.step("waiting until the upload is examined") as step:
        video = until(
            lambda: run.api.get(run.video_path), lambda one: one["status"] != "awaiting_upload", UPLOAD_SEEN_SECONDS
        )
        if video["status"] != "uploaded":
            rejection = video["rejection"] or {"message": f"Its status is {video['status']}.", "reason": "none"}
            raise StepFailed(f"The video was {video['status']}: {rejection['message']} ({rejection['reason']})")
        step.outcome = f"examined: {clock(video['duration_ms'])}, {video['width']}×{video['height']}"


def analyse(run: Run) -> None:
    with run.screen.step("estimating") as step:
        estimate = run.api.post(f"{run.video_path}/analyses/estimate", {}, expect=200)
        by_feature = ", ".join(f"{amount} {code}" for code, amount in estimate["by_feature"].items())
        step.outcome = f"estimated: {by_feature}"
    with run.screen.step("analysing") as step:
        key = idempotency_key()
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
    body = run.operator("s3").get_object(Bucket=run.outputs["results_bucket"], Key=manifest_key)["Body"].read()
    run.manifest = json.loads(body)


def show_timeline(run: Run) -> None:
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
                    screen.line(f"      {span(segment)}  {mark:<9}  {short(segment['text'], 70)}")
    if not transcript:
        screen.line(screen.dim("  nothing is spoken"))
    if run.is_known:
        run.checks += check_captions(run.segments("text"))
        run.checks += check_cuts(run.shots, run.manifest["frame_rate"])
        run.checks.append(check_reading(run.segments("speech"), TWO_CITIES_TEXT))


def search(run: Run) -> None:
    if run.is_known:
        wanted = "an animal wants revenge"
    else:
        segments = run.segments("text") + run.segments("speech")
        if not segments:
            return
        wanted = short(max((segment["text"] for segment in segments), key=len), 60)
    found = run.api.get(f"{run.video_path}/moments", q=wanted, limit=3)["items"]
    run.screen.heading("Search", f"“{wanted}”")
    if found:
        run.screen.table(
            [(f"{moment['score']:.2f}", span(moment), moment["kind"], short(moment["snippet"], 60)) for moment in found]
        )
    run.check(bool(found), f"the search for “{wanted}” finds something")


def ask(run: Run) -> None:
    screen = run.screen
    conversation = run.api.post(f"{run.workspace}/conversations", {"video_ids": [run.video_id]}, key=idempotency_key())
    path = f"{run.workspace}/conversations/{conversation['conversation_id']}/questions"
    screen.heading("Questions")
    answers: list[Mapping[str, Any]] = []
    for question in _questions(run):
        answer = run.api.post(path, {"question": question}, key=idempotency_key())
        answers.append(answer)
        screen.line(f"  {screen.bold(question)}")
        screen.line(f"    {answer['answer']}")
        for citation in answer["citations"]:
            cited = f"[{citation['segment_id']}, {span(citation)}]"
            screen.line(f"    {screen.dim(cited)}")
        if not answer["grounded"]:
            screen.line(f"    {screen.dim('[grounded: false]')}")
    run.answers = answers
    *answerable, unanswerable = answers
    if run.is_known:
        held = not unanswerable["grounded"] and not unanswerable["citations"]
        run.check(held, f"“{UNANSWERABLE}” is not known, and nothing is cited")
    else:
        # Who knows what one's own video tells: but an answer without a citation is none, and a citation is an answer.
        held = unanswerable["grounded"] == bool(unanswerable["citations"])
        run.check(held, f"“{UNANSWERABLE}” is answered with citations, or not at all")
    for answer in answerable:
        run.check(answer["grounded"] and bool(answer["citations"]), f"“{answer['question']}” is answered and cited")
    if run.is_known:
        bird, _, reading, _ = answers
        run.checks.append(check_bird(bird["citations"]))
        told = READING_ANSWER in reading["answer"].casefold()
        run.check(told, f"“{READING_QUESTION}” is answered with “{READING_ANSWER}”")


def _questions(run: Run) -> list[str]:
    if run.is_known:
        return [BIRD_QUESTION, "What is written about a bunny?", READING_QUESTION, UNANSWERABLE]
    # Of an unknown video only what was found in it can be asked about and judged.
    questions: list[str] = []
    for kind, verb in (("speech", "said"), ("text", "written")):
        segments = [segment for segment in run.segments(kind) if len(letters(segment["text"])) >= 8]
        if segments:
            questions.append(f"When is “{_first_words(segments[0]['text'])}” {verb}?")
            if len(segments) > 1:
                questions.append(f"When is “{_first_words(segments[-1]['text'])}” {verb}?")
    return [*questions[:2], UNANSWERABLE]


def _first_words(text: str) -> str:
    """Enough of a sentence to know it again by, without the quotation marks that would end a quotation early."""
    return " ".join(re.sub(r"[\"“”„«»]", "", text).split()[:8])
