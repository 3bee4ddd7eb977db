"""A requested analysis is submitted to Batch. While Batch is unwell it waits in its queue, until its deadline at most;
a job that Batch will never take fails its analysis.
"""

from functions.entry import queue_function
from functions.resources import ANALYSES_SUBMIT
from functions.videos.adapters.analyses import read_analysis
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.adapters.jobs import AnalysisJobs
from functions.videos.adapters.videos import read_video
from functions.videos.domain.analysis import AnalysisError, FailureReason
from functions.videos.events import AnalysisRequested
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class SubmitAnalysisHandler:
    def __init__(self, scope: WriteScope, jobs: AnalysisJobs, endings: AnalysisEndings) -> None:
        self._scope = scope
        self._jobs = jobs
        self._endings = endings

    def __call__(self, event: AnalysisRequested) -> Result[None]:
        store = self._scope.store
        analysis = read_analysis(store, event.workspace_id, event.video_id, event.analysis_id)
        video = read_video(store, event.workspace_id, event.video_id)
        if analysis is None or video is None or analysis.has_ended:
            return Success(None)
        if self._jobs.submit(video, analysis, causation_id=self._scope.context.message_id):
            return Success(None)
        reason = FailureReason.SUBMISSION_REFUSED
        error = AnalysisError(reason, reason.sentence)
        return self._endings.fail(event.workspace_id, event.video_id, event.analysis_id, error)


def build(scope: WriteScope) -> SubmitAnalysisHandler:
    return SubmitAnalysisHandler(scope, AnalysisJobs(scope.runtime), AnalysisEndings(scope))


SUBSCRIBER = Subscriber(
    name="submit-analysis",
    message=AnalysisRequested,
    queue=QueueClass.VIDEO_PROCESSING,
    build=build,
    # A call that times out twice still is counted by the breaker.
    needs=FunctionNeeds(grants=(ANALYSES_SUBMIT,), timeout_seconds=40),
)
lambda_handler = queue_function(SUBSCRIBER)
