"""From an upload to cited answers, over HTTP, through everything that is deployed."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from infra.local.client import upload
from infra.local.event_trail import EventLog, Happening, lacking, of_analysis
from tests.e2e.customers import Customer, new_customer, settled
from tests.e2e.stacks import LocalStack
from tests.support.clips import music as a_tune
from tests.support.clips import plain, scene, write_clip, write_sound

RATE = 24


def assert_nothing_crosses(customer: Customer, stranger: Customer, video_id: str, questions: str) -> None:
    """What is the customer's is to the stranger what never was, asked for as it is or as if it were the stranger's."""
    for path in (
        f"{customer.video_path(video_id)}/moments?q=harvest",
        f"{customer.workspace}/moments?q=harvest",
        questions,
    ):
        assert stranger.api.send("GET", path).status_code == 404
    for path in (
        f"{stranger.video_path(video_id)}/moments?q=harvest",
        questions.replace(customer.workspace, stranger.workspace),
    ):
        assert stranger.api.send("GET", path).status_code == 404
    assert (
        stranger.api.send("POST", f"{stranger.workspace}/conversations", {"video_ids": [video_id]}).status_code == 404
    )
    assert stranger.api.get(f"{stranger.workspace}/moments", q="harvest")["items"] == []


def test_a_video_becomes_answers_that_cite_it(customer: Customer, clip: Path, local_stack: LocalStack) -> None:
    started = datetime.now(UTC) - timedelta(minutes=1)
    before = customer.credits()
    video = customer.upload(clip)
    assert (video["status"], video["width"], video["height"]) == ("uploaded", 640, 360)
    assert abs(video["duration_ms"] - 6_000) <= 100
    video_id, path = video["video_id"], customer.video_path(video["video_id"])
    assert customer.api.send("GET", f"{path}/timeline").status_code == 404

    estimate = customer.api.post(f"{path}/analyses/estimate", {}, expect=200)
    assert estimate["credits"] == 3
    requested = customer.request_analysis(video_id)
    assert requested.status_code == 202
    analysis_id = requested.json()["analysis_id"]
    assert requested.headers["location"].endswith(f"{path}/analyses/{analysis_id}")
    analysis = customer.ended_analysis(video_id, analysis_id)
    assert (analysis["status"], analysis["credits_charged"], analysis["progress"]) == ("completed", 3, 1.0), analysis
    assert customer.api.get(path)["status"] == "ready"

    timeline = customer.api.get(f"{path}/timeline")
    cuts = [shot["start_ms"] for shot in timeline["shots"]]
    assert len(cuts) == 3
    assert all(abs(cut - expected) <= 3000 / RATE for cut, expected in zip(cuts, (0, 2_000, 4_000), strict=True))
    keyframe = httpx.get(timeline["shots"][0]["keyframe_url"], trust_env=False)
    assert keyframe.content.startswith(b"\xff\xd8")
    assert [text["text"] for text in timeline["shots"][1]["text"]] == ["Bottled in the spring"]
    assert customer.api.get(f"{path}/transcript")["items"] == []
    best, *_ = customer.api.get(f"{path}/moments", q="harvest")["items"]
    assert (best["kind"], best["snippet"]) == ("text", "Harvest in Bordeaux")
    in_workspace = f"{customer.workspace}/moments"
    found = settled(lambda: customer.api.get(in_workspace, q="harvest")["items"], bool)
    assert found[0] == {**best, "score": found[0]["score"]}

    conversation = customer.api.post(f"{customer.workspace}/conversations", {"video_ids": [video_id]})
    questions = f"{customer.workspace}/conversations/{conversation['conversation_id']}/questions"
    answer = customer.api.post(questions, {"question": "Where was the harvest?"}, key=secrets.token_hex(8))
    assert answer["grounded"], answer
    (citation,) = answer["citations"]
    assert (citation["video_id"], citation["quote"]) == (video_id, "Harvest in Bordeaux")
    assert citation["end_ms"] <= 2_500
    unknown = customer.api.post(questions, {"question": "Who was elected president?"}, key=secrets.token_hex(8))
    assert (unknown["grounded"], unknown["citations"]) == (False, [])
    assert customer.api.get(questions)["items"] == [answer, unknown]
    with new_customer(local_stack) as stranger:
        assert_nothing_crosses(customer, stranger, video_id, questions)

    after = customer.credits()
    spent = {code: before[code][0] - after[code][0] for code in before if before[code] != after[code]}
    assert spent == {"video_analysis": 1, "text_recognition": 1, "transcription": 1, "conversation": 2}
    assert all(held == 0 for _, held in after.values())

    log = EventLog(local_stack.client("s3"), local_stack.outputs["events_bucket"])

    def story() -> list[Happening]:
        return of_analysis(log.since(started, datetime.now(UTC)), video_id, analysis_id)

    events = settled(story, lambda found: not lacking(found, charged_features=3), seconds=30)
    completed = [event for event in events if event.name == "AnalysisCompleted"]
    assert [event.data["analysis_id"] for event in completed] == [analysis_id]
    analysis_events = [event for event in events if event.names(analysis_id)]
    assert {event.correlation_id for event in analysis_events} == {requested.headers["x-correlation-id"]}


def test_one_key_makes_one_analysis_however_often_it_is_sent(customer: Customer, clip: Path) -> None:
    video_id = customer.uploaded(clip)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: customer.request_analysis(video_id, key="the-one", features=["shots"]), range(8))
        )
    again = customer.request_analysis(video_id, key="the-one", features=["shots"])
    assert [answer.status_code for answer in (*answers, again)] == [202] * 9
    assert len({answer.json()["analysis_id"] for answer in (*answers, again)}) == 1
    assert again.headers["idempotent-replayed"] == "true"
    assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1
    other = customer.request_analysis(video_id, key="the-one", features=["text"])
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(customer.api.get(f"{customer.video_path(video_id)}/analyses")["items"]) == 1
    assert len(customer.ledger("hold")) == 1
    customer.ended_analysis(video_id, again.json()["analysis_id"])


def test_a_short_balance_refuses_the_analysis_and_holds_nothing(customer: Customer, tmp_path: Path) -> None:
    # 29 minutes at a frame a minute: what it costs goes by its length, what it takes by its frames.
    times = [minute * 60_000 for minute in range(30)]
    long = write_clip(tmp_path / "long.mp4", plain((9, 9, 90), 30, width=64, height=36), rate=1, times_ms=times)
    videos = [customer.uploaded(long) for _ in range(3)]
    for video_id in videos[:2]:
        customer.requested(video_id, features=["shots"])
    before = len(customer.ledger("hold"))
    refused = customer.request_analysis(videos[2], features=["shots"])
    assert (refused.status_code, refused.json()["type"]) == (402, "/problems/insufficient-credits")
    assert refused.json()["required"] > refused.json()["available"]
    assert len(customer.ledger("hold")) == before
    assert customer.api.get(customer.video_path(videos[2]))["status"] == "uploaded"
    assert customer.api.get(f"{customer.video_path(videos[2])}/analyses")["items"] == []


def test_an_upload_larger_than_declared_is_refused_by_s3(customer: Customer, clip: Path, tmp_path: Path) -> None:
    created = customer.announce(clip, size_bytes=1_000)
    refused = upload(created["upload"], clip)
    assert (refused.status_code, "EntityTooLarge" in refused.text) == (400, True), refused.text
    empty = tmp_path / "empty.mp4"
    empty.touch()
    assert upload(created["upload"], empty).status_code == 400
    assert customer.api.get(customer.video_path(created["video"]["video_id"]))["status"] == "awaiting_upload"


def _text(folder: Path) -> Path:
    path = folder / "notes.mp4"
    path.write_text("This is no video at all.\n" * 100)
    return path


def _sound_only(folder: Path) -> Path:
    return write_sound(folder / "sound.mp4", a_tune(2.0))


def _cut_off(folder: Path, *, index_first: bool) -> Path:
    """Without its second half. With the index at the front only decoding reveals it."""
    options = {"movflags": "faststart"} if index_first else {}
    whole = write_clip(folder / "whole.mp4", scene(4, 4 * RATE, grain=20), rate=RATE, options=options)
    path = folder / "cut.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return path


def _cut_off_with_index(folder: Path) -> Path:
    return _cut_off(folder, index_first=True)


def _cut_off_without_index(folder: Path) -> Path:
    return _cut_off(folder, index_first=False)


@pytest.mark.parametrize(
    ("make", "reasons"),
    [
        (_text, {"not_a_video"}),
        (_sound_only, {"no_video_stream"}),
        (_cut_off_with_index, {"truncated_video"}),
        (_cut_off_without_index, {"truncated_video", "not_a_video"}),
    ],
)
def test_a_file_that_is_no_whole_video_ends_with_a_reason_and_costs_nothing(
    customer: Customer, tmp_path: Path, make: Callable[[Path], Path], reasons: set[str]
) -> None:
    before = customer.credits()
    video = customer.upload(make(tmp_path))
    if video["status"] == "rejected":
        told = video["rejection"]
        refused = customer.request_analysis(video["video_id"])
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/conflict")
        assert told["reason"] in refused.json()["detail"]
    else:
        analysis_id = customer.requested(video["video_id"])
        analysis = customer.ended_analysis(video["video_id"], analysis_id)
        assert (analysis["status"], analysis["credits_charged"], analysis["credits_held"]) == ("failed", 0, 0)
        told = analysis["error"]
        assert customer.api.get(customer.video_path(video["video_id"]))["status"] == "uploaded"
    assert told["reason"] in reasons
    assert told["message"].endswith(".")
    assert "Traceback" not in told["message"]
    assert customer.credits() == before


def test_a_file_that_may_not_be_uploaded_is_refused_at_once(customer: Customer) -> None:
    path, body = f"{customer.workspace}/videos", {"file_name": "a.mp4", "content_type": "video/mp4", "size_bytes": 1}
    too_large = customer.api.send("POST", path, body | {"size_bytes": 500 * 1024 * 1024 + 1})
    assert (too_large.status_code, too_large.json()["type"]) == (413, "/problems/payload-too-large")
    empty = customer.api.send("POST", path, body | {"size_bytes": 0})
    assert (empty.status_code, empty.json()["errors"][0]["pointer"]) == (422, "/size_bytes")
    picture = customer.api.send("POST", path, body | {"content_type": "image/png"})
    assert (picture.status_code, picture.json()["type"]) == (415, "/problems/unsupported-media-type")
