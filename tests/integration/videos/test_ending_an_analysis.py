import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from functions.analysis.completion import QueueCompletion
from functions.analysis.failures import FailureReason
from functions.analysis.job import Job
from functions.analysis.lease import DynamoLeaseTable, Lease
from functions.analysis.outcome import Completed, Failed, FailedFeature, Outcome
from functions.analysis.progress import Progress
from functions.analysis.worker import analysis_pk
from functions.billing.queries import get_ledger
from functions.videos.subscribers import complete_analysis, expire_analyses, on_analysis_job_ended
from functions.videos.subscribers.on_analysis_job_ended import AnalysisJobFailed
from tests.support.aws import Aws
from tests.support.queues import deliver, from_default_bus
from tests.support.videos import Studio

COMPLETED: Mapping[str, Any] = {
    "manifest_key": "w/v/a/v1/manifest.json",
    "duration_ms": 1500,
    "shots": 2,
    "texts": 1,
    "speech": 0,
    "moments": 1,
}
FAILED: Mapping[str, Any] = {"reason": "corrupt", "detail": "The video is damaged."}
FULL = {"video_analysis": (60, 0), "transcription": (60, 0), "text_recognition": (60, 0)}


class Begun:
    """An analysis that has been requested."""

    def __init__(self, aws: Aws, clip: bytes) -> None:
        self.aws = aws
        self.studio = Studio(aws)
        self.video_id = self.studio.uploaded_video(clip)
        self.analysis_id = self.studio.requested_analysis(self.video_id)

    def tell(self, *, message_id: str | None = None, **outcome: object) -> bool:
        return self.studio.tell_outcome(self.video_id, self.analysis_id, message_id=message_id, **outcome)

    def tell_job_failed(
        self,
        reason: str = "Essential container in task exited",
        *,
        job_id: str = "j",
        container_reason: str | None = None,
        **changes: object,
    ) -> bool:
        parameters = {
            "workspace_id": self.studio.workspace_id,
            "video_id": self.video_id,
            "analysis_id": self.analysis_id,
            **changes,
        }
        container = {"exitCode": 137, **({"reason": container_reason} if container_reason else {})}
        detail = {
            "jobId": job_id,
            "status": "FAILED",
            "statusReason": reason,
            "parameters": parameters,
            "container": container,
        }
        runtime = self.aws.runtime
        return deliver(on_analysis_job_ended.SUBSCRIBER, from_default_bus(AnalysisJobFailed, detail, runtime), runtime)

    def take_lease(self, job_id: str) -> Lease:
        """As the worker that runs as a job does."""
        table, now = self.aws.settings.table("ephemeral"), self.aws.clock.now
        leases = DynamoLeaseTable(self.aws.client("dynamodb"), table, analysis_pk(self.job))
        return Lease.take(leases, token=self.aws.ids.new(), owner=job_id, attempt=1, now=now)

    def expire(self) -> dict[str, int]:
        return expire_analyses.ExpireAnalyses(lambda: self.aws.runtime)({})

    @property
    def shown(self) -> Any:
        return self.studio.analysis(self.video_id, self.analysis_id)

    @property
    def pools(self) -> dict[str, tuple[int, int]]:
        return {code: pool for code, pool in self.studio.pools().items() if code in FULL}

    @property
    def job(self) -> Job:
        return Job(
            workspace_id=self.studio.workspace_id,
            video_id=self.video_id,
            analysis_id=self.analysis_id,
            upload_key=f"{self.studio.workspace_id}/{self.video_id}/source",
            features=("shots", "text", "speech"),
            correlation_id="the-story",
            deadline_at=self.aws.clock.now(),
        )

    def assert_failed(self, reason: str) -> None:
        shown = self.shown
        assert (shown["status"], shown["error"]["reason"]) == ("failed", reason)
        assert shown["error"]["message"].endswith(".")
        assert (shown["credits_held"], shown["credits_charged"]) == (0, 0)
        assert self.pools == FULL
        video = self.studio.video(self.video_id)
        assert (video["status"], video["active_analysis_id"]) == ("uploaded", None)
        (event,) = self.aws.events("AnalysisFailed")
        assert event.data["reason"] == reason
        assert not deadlines(self.aws)


@pytest.fixture
def begun(aws: Aws, clip: bytes) -> Begun:
    return Begun(aws, clip)


def deadlines(aws: Aws) -> list[str]:
    return [item["sk"]["S"] for item in aws.items("data") if item["pk"]["S"].startswith("ANALYSIS-DEADLINES#")]


def test_a_completed_analysis_is_charged(begun: Begun) -> None:
    assert begun.tell(**COMPLETED)

    shown = begun.shown
    assert (shown["status"], shown["progress"]) == ("completed", 1.0)
    assert (shown["credits_held"], shown["credits_charged"]) == (0, 3)
    assert begun.pools == dict.fromkeys(FULL, (59, 0))
    video = begun.studio.video(begun.video_id)
    assert (video["status"], video["current_analysis_id"]) == ("ready", begun.analysis_id)
    (event,) = begun.aws.events("AnalysisCompleted")
    assert event.data["counts"] == {"shots": 2, "texts": 1, "speech": 0, "moments": 1}
    assert not deadlines(begun.aws)


def test_what_is_charged_counts_for_whoever_asked_for_it(begun: Begun) -> None:
    begun.tell(**COMPLETED)

    asked = begun.studio.workspace.owner.user_id
    assert {event.data["user_id"] for event in begun.aws.events("CreditConsumed")} == {asked}


def test_the_whole_story_has_one_correlation_id(begun: Begun) -> None:
    begun.tell(**COMPLETED)

    (requested,), (completed,) = begun.aws.events("AnalysisRequested"), begun.aws.events("AnalysisCompleted")
    assert completed.metadata.correlation_id == requested.metadata.correlation_id


def test_less_video_than_announced_costs_less(aws: Aws, longer_clip: bytes) -> None:
    begun = Begun(aws, longer_clip)

    begun.tell(**{**COMPLETED, "duration_ms": 61_000})

    assert begun.shown["credits_charged"] == 6
    assert begun.pools == dict.fromkeys(FULL, (58, 0))


def test_more_video_than_announced_costs_what_was_held(begun: Begun) -> None:
    begun.tell(**{**COMPLETED, "duration_ms": 3_600_000})

    assert begun.shown["credits_charged"] == 3


def test_speech_of_a_silent_video_is_done_and_free(aws: Aws, silent_clip: bytes) -> None:
    begun = Begun(aws, silent_clip)
    assert begun.shown["credits_held"] == 2

    assert begun.tell(**COMPLETED)

    shown = begun.shown
    assert (shown["status"], shown["credits_charged"], shown["failed_features"]) == ("completed", 2, [])
    assert begun.pools == {**dict.fromkeys(FULL, (59, 0)), "transcription": (60, 0)}
    (event,) = aws.events("AnalysisCompleted")
    assert "speech" in event.data["features"]


BROKEN_SPEECH = {"feature": "speech", "reason": "analyzer_failed", "detail": "It broke off."}


def test_a_feature_that_failed_is_free_and_told(begun: Begun) -> None:
    assert begun.tell(**COMPLETED, failed_features=[BROKEN_SPEECH])

    shown = begun.shown
    assert (shown["status"], shown["credits_charged"]) == ("completed", 2)
    assert shown["failed_features"] == [{"feature": "speech", "reason": "analyzer_failed", "message": "It broke off."}]
    assert begun.pools == {**dict.fromkeys(FULL, (59, 0)), "transcription": (60, 0)}
    (event,) = begun.aws.events("AnalysisCompleted")
    assert (event.data["features"], event.data["failed_features"]) == (["shots", "text"], ["speech"])


def test_broken_people_are_free_and_objects_are_charged(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    before = studio.pools()
    analysis_id = studio.requested_analysis(video_id, features=["shots", "people", "objects"])

    assert studio.tell_outcome(
        video_id, analysis_id, **COMPLETED, failed_features=[{**BROKEN_SPEECH, "feature": "people"}]
    )

    assert studio.analysis(video_id, analysis_id)["credits_charged"] == 2
    left = {code: balance - studio.pools()[code][0] for code, (balance, _) in before.items()}
    assert {code: spent for code, spent in left.items() if spent} == {"video_analysis": 2}


def test_a_feature_that_nobody_knows_is_refused(begun: Begun) -> None:
    assert not begun.tell(**COMPLETED, failed_features=[{**BROKEN_SPEECH, "feature": "smell"}])

    assert begun.shown["status"] == "queued"


@pytest.mark.parametrize("first", [COMPLETED, FAILED], ids=["completed", "failed"])
@pytest.mark.parametrize("second", [COMPLETED, FAILED], ids=["completed", "failed"])
def test_an_analysis_ends_once(begun: Begun, first: Mapping[str, Any], second: Mapping[str, Any]) -> None:
    begun.tell(**first)
    shown, pools, events = begun.shown, begun.pools, len(begun.aws.events())

    assert begun.tell(**second)
    assert begun.tell_job_failed()
    begun.aws.clock.advance(hours=1)
    assert begun.expire() == {"expired": 0, "left": 0}

    assert (begun.shown, begun.pools, len(begun.aws.events())) == (shown, pools, events)
    assert len(begun.aws.events("CreditConsumed")) == (3 if first is COMPLETED else 0)


def test_the_same_message_twice_has_one_effect(begun: Begun) -> None:
    assert begun.tell(message_id="m", **COMPLETED)
    assert begun.tell(message_id="m", **COMPLETED)

    assert len(begun.aws.events("AnalysisCompleted")) == 1


def test_a_failed_analysis_gives_back_what_was_held(begun: Begun) -> None:
    assert begun.tell(**FAILED)

    begun.assert_failed("corrupt")


def test_a_failed_video_can_be_analysed_again(begun: Begun) -> None:
    begun.tell(**FAILED)

    assert begun.studio.request_analysis(begun.video_id, key="again").status == 202


@pytest.mark.parametrize("outcome", [{}, {**COMPLETED, **FAILED}], ids=["neither", "both"])
def test_a_message_that_says_neither_or_both_is_refused(begun: Begun, outcome: Mapping[str, Any]) -> None:
    assert not begun.tell(**outcome)

    assert begun.shown["status"] == "queued"


@pytest.mark.parametrize(
    ("status_reason", "reason"),
    [
        ("Essential container in task exited", "worker_failed"),
        ("Host EC2 (instance i-0) terminated.", "worker_failed"),
        ("Job attempt duration exceeded timeout", "timed_out"),
    ],
)
def test_a_job_that_failed_for_good_fails_its_analysis(begun: Begun, status_reason: str, reason: str) -> None:
    assert begun.tell_job_failed(status_reason)

    begun.assert_failed(reason)
    (requested,), (failed,) = begun.aws.events("AnalysisRequested"), begun.aws.events("AnalysisFailed")
    assert failed.metadata.correlation_id == requested.metadata.correlation_id


def test_a_job_that_was_killed_for_its_memory_says_so(begun: Begun) -> None:
    assert begun.tell_job_failed(container_reason="OutOfMemoryError: Container killed due to memory usage")

    begun.assert_failed("out_of_memory")
    assert "memory" in begun.shown["error"]["message"]


def test_a_second_job_that_crashes_fails_no_analysis_that_another_is_at(begun: Begun) -> None:
    lease = begun.take_lease("first")

    assert begun.tell_job_failed(job_id="second")

    assert begun.shown["status"] == "queued"
    lease.finish()
    assert begun.tell_job_failed(job_id="second")
    assert begun.shown["status"] == "queued", "the first one's outcome is on its way"
    begun.tell(**COMPLETED)
    assert begun.shown["status"] == "completed"


def test_a_crash_between_two_attempts_of_another_job_fails_no_analysis(begun: Begun) -> None:
    begun.take_lease("first")
    begun.aws.clock.advance(minutes=5)

    assert begun.tell_job_failed(job_id="second")

    assert begun.shown["status"] == "queued"


def test_whoever_took_an_analysis_over_fails_it(begun: Begun) -> None:
    begun.take_lease("first")
    begun.aws.clock.advance(minutes=5)
    begun.take_lease("second")

    assert begun.tell_job_failed(job_id="first")
    assert begun.shown["status"] == "queued"
    assert begun.tell_job_failed(job_id="second")

    begun.assert_failed("worker_failed")


def test_a_job_of_somebody_else_is_passed_over(begun: Begun) -> None:
    assert begun.tell_job_failed(analysis_id=begun.aws.ids.new())
    assert begun.tell_job_failed(workspace_id=begun.aws.ids.new())
    assert begun.tell_job_failed(analysis_id=None)

    assert begun.shown["status"] == "queued"


def test_nothing_is_expired_before_its_deadline(begun: Begun) -> None:
    begun.aws.clock.advance(minutes=14, seconds=59)

    assert begun.expire() == {"expired": 0, "left": 0}


def test_what_is_past_its_deadline_is_expired(begun: Begun) -> None:
    begun.aws.clock.advance(minutes=15, seconds=1)

    assert begun.expire() == {"expired": 1, "left": 0}

    begun.assert_failed("deadline_exceeded")


def test_one_that_cant_be_expired_holds_up_no_other(begun: Begun, clip: bytes) -> None:
    other = Begun(begun.aws, clip)
    remove_hold(begun.aws, begun.analysis_id)
    begun.aws.clock.advance(hours=1)

    assert begun.expire() == {"expired": 1, "left": 1}

    assert other.shown["status"] == "failed"


def remove_hold(aws: Aws, hold_id: str) -> None:
    (item,) = [item for item in aws.items("data") if item["sk"]["S"] == f"HOLD#{hold_id}"]
    key = {name: item[name] for name in ("pk", "sk")}
    aws.client("dynamodb").delete_item(TableName=aws.settings.table("data"), Key=key)


def test_the_workers_progress_makes_it_running(begun: Begun) -> None:
    dynamodb, table = begun.aws.client("dynamodb"), begun.aws.settings.table("ephemeral")
    progress = Progress(dynamodb, table, analysis_pk(begun.job), begun.aws.clock.now)

    progress.report(0.25)

    assert (begun.shown["status"], begun.shown["progress"]) == ("running", 0.25)
    begun.tell(**FAILED)
    assert begun.shown["status"] == "failed"


@pytest.mark.parametrize(
    ("outcome", "check"),
    [
        (
            Completed(manifest_key="k", duration_ms=1500, shots=1, texts=2, speech=3, moments=5),
            lambda shown: shown["status"] == "completed" and shown["credits_charged"] == 3,
        ),
        (
            Completed(
                manifest_key="k",
                duration_ms=1500,
                shots=1,
                texts=2,
                speech=0,
                moments=2,
                failed_features=(FailedFeature("speech", FailureReason.ANALYZER_FAILED, "It broke off."),),
            ),
            lambda shown: shown["credits_charged"] == 2 and shown["failed_features"][0]["message"] == "It broke off.",
        ),
        (
            Failed(FailureReason.TRUNCATED_VIDEO, "The video is incomplete."),
            lambda shown: shown["error"] == {"reason": "truncated_video", "message": "The video is incomplete."},
        ),
    ],
    ids=["completed", "completed in part", "failed"],
)
def test_what_the_worker_sends_is_understood(begun: Begun, outcome: Outcome, check: Callable[[Any], bool]) -> None:
    sent: list[str] = []

    class Queue:
        def send_message(self, *, QueueUrl: str, MessageBody: str) -> None:  # noqa: N803
            sent.append(MessageBody)

    worker = QueueCompletion(Queue(), "queue", begun.job, begun.aws.clock.now)
    worker.send(outcome)
    worker.send(outcome)

    for body in sent:
        assert deliver(complete_analysis.SUBSCRIBER, json.loads(body), begun.aws.runtime)

    assert check(begun.shown)
    assert len(begun.aws.events("AnalysisCompleted") + begun.aws.events("AnalysisFailed")) == 1


def test_the_ledger_tells_hold_and_settlement(begun: Begun) -> None:
    begun.tell(**COMPLETED)

    studio = begun.studio
    entries = studio.caller.send(get_ledger.ENDPOINT, f"{studio.workspace.path}/ledger").json["items"]

    about_it = [entry["kind"] for entry in entries if entry["reference"] == f"analysis:{begun.analysis_id}"]
    assert sorted(about_it) == ["hold"] * 3 + ["settlement"] * 3
