"""What the process was started for, read from its environment."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from functions.analysis.decode import CHUNK_MS
from functions.analysis.failures import AnalysisFailed, FailureReason

AVAILABLE_FEATURES = frozenset({"shots", "text", "speech", "people", "objects", "emotion"})

Mode = Literal["fast", "accurate"]


class InvalidJob(Exception):
    """The process was started with settings that name no analysis, so there is nobody to report to."""


class Job(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    workspace_id: str = Field(min_length=1)
    video_id: str = Field(min_length=1)
    analysis_id: str = Field(min_length=1)
    upload_key: str = Field(min_length=1)
    upload_etag: str | None = None
    duration_ms: int | None = Field(default=None, ge=0)
    """What the file announces, and the analysis was quoted by."""
    features: tuple[str, ...]
    mode: Mode = "fast"
    correlation_id: str
    causation_id: str | None = None
    deadline_at: AwareDatetime

    def check_features(self) -> None:
        """Raises `AnalysisFailed` when this worker can't do what was asked."""
        if unknown := sorted(set(self.features) - AVAILABLE_FEATURES):
            raise AnalysisFailed(FailureReason.UNSUPPORTED_FEATURE, ", ".join(unknown))
        if not self.features:
            raise AnalysisFailed(FailureReason.UNSUPPORTED_FEATURE, "no feature was asked for")

    def is_overdue(self, now: datetime) -> bool:
        return now >= self.deadline_at


class Stage(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)

    uploads_bucket: str = Field(alias="UPLOADS_BUCKET", min_length=1)
    results_bucket: str = Field(alias="RESULTS_BUCKET", min_length=1)
    ephemeral_table: str = Field(alias="EPHEMERAL_TABLE", min_length=1)
    completion_queue_url: str = Field(alias="COMPLETION_QUEUE_URL", min_length=1)
    chunk_ms: int = Field(alias="CHUNK_MS", default=CHUNK_MS, ge=1_000)
    """After so much video the work so far is kept, to go on from after an interruption."""


class Attempt(BaseModel):
    """Which try of which Batch job this process is."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    batch_job_id: str = Field(alias="AWS_BATCH_JOB_ID", min_length=1)
    number: int = Field(alias="AWS_BATCH_JOB_ATTEMPT", ge=1, default=1)


def read_environment(environ: Mapping[str, str]) -> tuple[Job, Stage, Attempt]:
    try:
        return (
            Job.model_validate_json(environ.get("VISIONSCOPE_JOB", "")),
            Stage.model_validate(environ),
            Attempt.model_validate(environ),
        )
    except ValidationError as error:
        # Without the input: a job's values don't belong in a log.
        problems = error.errors(include_input=False, include_url=False, include_context=False)
        raise InvalidJob(str([(problem["loc"], problem["msg"]) for problem in problems])) from error
