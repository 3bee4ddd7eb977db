"""A Batch job that failed for good takes its analysis with it; one that succeeded has told so itself.

Unless another job is at the analysis: a second submission may crash in its first moment, and says nothing by that.
"""

from pydantic import BaseModel, ConfigDict, Field

from functions.entry import queue_function
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.adapters.jobs import read_worker
from functions.videos.domain.analysis import AnalysisError, FailureReason
from shared.kernel.result import Result, Success
from shared.messaging.routing import ForeignEvent, QueueClass, Subscriber
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store

_TIMED_OUT = "Job attempt duration exceeded timeout"
_OUT_OF_MEMORY = "OutOfMemoryError"
"""Batch's words for it; there are no codes."""


class JobParameters(BaseModel):
    """The parameters that the job was submitted with. A job of somebody else has none of them."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    workspace_id: str | None = None
    video_id: str | None = None
    analysis_id: str | None = None


class JobContainer(BaseModel):
    """The container of the last attempt; `reason` is there when it didn't end by itself."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    reason: str | None = None


class AnalysisJobFailed(ForeignEvent):
    source = "aws.batch"
    detail_type = "Batch Job State Change"
    detail_filter = {"status": ["FAILED"], "jobQueue": [{"resource": "analysis-job-queue"}]}

    job_id: str = Field(alias="jobId")
    parameters: JobParameters
    status_reason: str = Field("", alias="statusReason")
    container: JobContainer = JobContainer()

    @property
    def reason(self) -> FailureReason:
        if self.status_reason.startswith(_TIMED_OUT):
            return FailureReason.TIMED_OUT
        if (self.container.reason or "").startswith(_OUT_OF_MEMORY):
            return FailureReason.OUT_OF_MEMORY
        return FailureReason.WORKER_FAILED


class OnAnalysisJobEndedHandler:
    def __init__(self, store: Store, endings: AnalysisEndings) -> None:
        self._store = store
        self._endings = endings

    def __call__(self, event: AnalysisJobFailed) -> Result[None]:
        job = event.parameters
        if job.workspace_id is None or job.video_id is None or job.analysis_id is None:
            return Success(None)
        if read_worker(self._store, job.workspace_id, job.analysis_id) not in (None, event.job_id):
            return Success(None)
        error = AnalysisError(event.reason, event.reason.sentence)
        return self._endings.fail(job.workspace_id, job.video_id, job.analysis_id, error)


def build(scope: WriteScope) -> OnAnalysisJobEndedHandler:
    return OnAnalysisJobEndedHandler(scope.store, AnalysisEndings(scope))


SUBSCRIBER = Subscriber(
    name="on-analysis-job-ended", message=AnalysisJobFailed, queue=QueueClass.VIDEO_PROCESSING, build=build
)
lambda_handler = queue_function(SUBSCRIBER)
