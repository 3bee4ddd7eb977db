import pytest

from functions.analysis.job import read_environment
from functions.videos.events import AnalysisRequested
from functions.videos.subscribers import submit_analysis
from shared.kernel.clock import rfc3339
from shared.messaging.envelope import Envelope
from tests.support.aws import Aws
from tests.support.batch import FakeBatch
from tests.support.queues import deliver, from_bus
from tests.support.videos import Studio


@pytest.fixture
def batch(aws: Aws) -> FakeBatch:
    batch = FakeBatch()
    aws.fakes["batch"] = batch
    return batch


def requested(aws: Aws, studio: Studio, clip: bytes) -> tuple[str, Envelope]:
    video_id = studio.uploaded_video(clip)
    studio.requested_analysis(video_id)
    (event,) = aws.events(AnalysisRequested.detail_type())
    return video_id, event


def test_the_worker_can_read_its_job(aws: Aws, batch: FakeBatch, clip: bytes) -> None:
    studio = Studio(aws)
    video_id, event = requested(aws, studio, clip)

    assert deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)

    (submitted,) = batch.jobs
    environment = {one["name"]: one["value"] for one in submitted["containerOverrides"]["environment"]}
    job, _, _ = read_environment(
        environment
        | {
            "UPLOADS_BUCKET": "u",
            "RESULTS_BUCKET": "r",
            "EPHEMERAL_TABLE": "e",
            "COMPLETION_QUEUE_URL": "q",
            "AWS_BATCH_JOB_ID": "j",
        }
    )
    assert (job.workspace_id, job.video_id) == (studio.workspace_id, video_id)
    assert job.analysis_id == event.data["analysis_id"]
    assert job.upload_key == f"{studio.workspace_id}/{video_id}/source"
    assert job.features == ("shots", "text", "speech")
    assert (job.correlation_id, job.causation_id) == (event.metadata.correlation_id, event.metadata.message_id)
    assert rfc3339(job.deadline_at) == event.data["deadline_at"]
    job.check_features()


def test_a_workspaces_jobs_share_one_turn(aws: Aws, batch: FakeBatch, clip: bytes) -> None:
    studio = Studio(aws)
    _, event = requested(aws, studio, clip)

    deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)

    (job,) = batch.jobs
    assert job["shareIdentifier"] == studio.workspace_id.replace("-", "")
    assert job["parameters"]["analysis_id"] == event.data["analysis_id"]
    assert job["timeout"] == {"attemptDurationSeconds": 900}
    assert job["jobQueue"] == aws.settings["ANALYSIS_JOB_QUEUE"]


@pytest.mark.parametrize(
    "refusal",
    [("ServerException", 500), ("TooManyRequestsException", 429), ("AccessDeniedException", 403)],
    ids=lambda refusal: refusal[0],
)
def test_what_batch_cant_take_now_is_tried_again(
    aws: Aws, batch: FakeBatch, clip: bytes, refusal: tuple[str, int]
) -> None:
    studio = Studio(aws)
    video_id, event = requested(aws, studio, clip)
    batch.refusal = refusal
    assert not deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)
    assert studio.analysis(video_id, event.data["analysis_id"])["status"] == "queued"
    batch.refusal = None

    assert deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)

    assert len(batch.jobs) == 1


def test_a_job_that_batch_never_takes_fails_its_analysis(aws: Aws, batch: FakeBatch, clip: bytes) -> None:
    studio = Studio(aws)
    video_id, event = requested(aws, studio, clip)
    batch.refusal = ("ClientException", 400)

    assert deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)
    assert deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)

    shown = studio.analysis(video_id, event.data["analysis_id"])
    assert (shown["status"], shown["error"]["reason"]) == ("failed", "submission_refused")
    assert studio.pools()["transcription"] == (60, 0)
    (failed,) = aws.events("AnalysisFailed")
    assert failed.metadata.correlation_id == event.metadata.correlation_id
    assert batch.calls == 1


def test_an_analysis_that_has_ended_isnt_submitted(aws: Aws, batch: FakeBatch, clip: bytes) -> None:
    studio = Studio(aws)
    video_id, event = requested(aws, studio, clip)
    studio.tell_outcome(video_id, event.data["analysis_id"], reason="corrupt", detail="Damaged.")

    assert deliver(submit_analysis.SUBSCRIBER, from_bus(event), aws.runtime)

    assert batch.jobs == []
