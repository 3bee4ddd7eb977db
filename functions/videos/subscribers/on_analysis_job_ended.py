"""A Batch job that failed for good takes its analysis with it; one that succeeded has told so itself."""

from pydantic import BaseModel, ConfigDict, Field

from functions.entry import queue_function
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.domain.analysis import AnalysisError, FailureReason
from shared.kernel.result import Result, Success
from shared.messaging.routing import ForeignEvent, QueueClass, Subscriber
from shared.persistence.scope import WriteScope

_TIMED_OUT = "Job attempt duration exceeded timeout"
"""Batch's words for it; there is no code."""


class JobParameters(BaseModel):
    """The parameters that the job was submitted with. A job of somebody else has none of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workspace_id: str | None = None
    video_id: str | None = None
    analysis_id: str | None = None


class AnalysisJobFailed(ForeignEvent):
    source = "aws.batch"
    detail_type = "Batch Job State Change"
    detail_filter = {"status": ["FAILED"], "jobQueue": [{"resource": "analysis-job-queue"}]}

    parameters: JobParameters
    status_reason: str = Field("", alias="statusReason")


class OnAnalysisJobEndedHandler:
    def __init__(self, endings: AnalysisEndings) -> None:
        self._endings = endings

    def __call__(self, event: AnalysisJobFailed) -> Result[None]:
        job = event.parameters
        if job.workspace_id is None or job.video_id is None or job.analysis_id is None:
            return Success(None)
        timed_out = event.status_reason.startswith(_TIMED_OUT)
        reason = FailureReason.TIMED_OUT if timed_out else FailureReason.WORKER_FAILED
        return self._endings.fail(
            job.workspace_id, job.video_id, job.analysis_id, AnalysisError(reason, reason.sentence)
        )


def build(scope: WriteScope) -> OnAnalysisJobEndedHandler:
    return OnAnalysisJobEndedHandler(AnalysisEndings(scope))


SUBSCRIBER = Subscriber(
    name="on-analysis-job-ended", message=AnalysisJobFailed, queue=QueueClass.VIDEO_PROCESSING, build=build
)
lambda_handler = queue_function(SUBSCRIBER)
