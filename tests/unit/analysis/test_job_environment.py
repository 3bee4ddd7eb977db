"""What the process makes of its environment."""

import json

import pytest

from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.job import InvalidJob, Job, read_environment

JOB = {
    "workspace_id": "w",
    "video_id": "v",
    "analysis_id": "a",
    "upload_key": "w/v",
    "features": ["shots", "text"],
    "mode": "fast",
    "correlation_id": "c",
    "causation_id": "d",
    "deadline_at": "2026-01-01T00:00:00Z",
}
STAGE = {
    "UPLOADS_BUCKET": "uploads",
    "RESULTS_BUCKET": "results",
    "EPHEMERAL_TABLE": "ephemeral",
    "COMPLETION_QUEUE_URL": "queue",
    "AWS_BATCH_JOB_ID": "job-1",
}


def test_job_stage_and_attempt_are_read() -> None:
    job, stage, attempt = read_environment({"VISIONSCOPE_JOB": json.dumps(JOB), "PATH": "/bin", **STAGE})
    assert job.features == ("shots", "text")
    assert stage.ephemeral_table == "ephemeral"
    assert (attempt.batch_job_id, attempt.number) == ("job-1", 1)


@pytest.mark.parametrize("missing", [*STAGE, "VISIONSCOPE_JOB"])
def test_a_missing_setting_is_named(missing: str) -> None:
    environment = {"VISIONSCOPE_JOB": json.dumps(JOB), **STAGE}
    del environment[missing]
    with pytest.raises(InvalidJob):
        read_environment(environment)


def test_a_job_without_its_analysis_is_refused_and_its_values_stay_out_of_the_message() -> None:
    broken = json.dumps({**JOB, "analysis_id": "", "upload_key": ["secret-name.mp4"]})
    with pytest.raises(InvalidJob, match="analysis_id") as refusal:
        read_environment({"VISIONSCOPE_JOB": broken, **STAGE})
    assert "secret-name" not in str(refusal.value)


@pytest.mark.parametrize("features", [["colour"], ["shots", "colour"], []])
def test_features_that_are_not_built_are_a_typed_failure(features: list[str]) -> None:
    job = Job.model_validate({**JOB, "features": features})
    with pytest.raises(AnalysisFailed) as failure:
        job.check_features()
    assert failure.value.reason is FailureReason.UNSUPPORTED_FEATURE


@pytest.mark.parametrize("reason", list(FailureReason))
def test_every_reason_has_a_sentence_for_the_user(reason: FailureReason) -> None:
    assert AnalysisFailed(reason, "internals").detail.endswith(".")
    assert "internals" not in AnalysisFailed(reason, "internals").detail
