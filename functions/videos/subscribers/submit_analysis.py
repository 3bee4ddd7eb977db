"""A requested analysis is submitted to Batch. What Batch refuses is tried again; at last the deadline ends it."""

from functions.entry import queue_function
from functions.resources import ANALYSES_SUBMIT
from functions.videos.adapters.analyses import read_analysis
from functions.videos.adapters.jobs import AnalysisJobs
from functions.videos.adapters.videos import read_video
from functions.videos.events import AnalysisRequested
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class SubmitAnalysisHandler:
    def __init__(self, scope: WriteScope, jobs: AnalysisJobs) -> None:
        self._scope = scope
        self._jobs = jobs

    def __call__(self, event: AnalysisRequested) -> Result[None]:
        store = self._scope.store
        analysis = read_analysis(store, event.workspace_id, event.video_id, event.analysis_id)
        video = read_video(store, event.workspace_id, event.video_id)
        if analysis is None or video is None or analysis.has_ended:
            return Success(None)
        self._jobs.submit(video, analysis, causation_id=self._scope.context.message_id)
        return Success(None)


def build(scope: WriteScope) -> SubmitAnalysisHandler:
    return SubmitAnalysisHandler(scope, AnalysisJobs(scope.runtime))


SUBSCRIBER = Subscriber(
    name="submit-analysis",
    message=AnalysisRequested,
    queue=QueueClass.VIDEO_PROCESSING,
    build=build,
    needs=FunctionNeeds(grants=(ANALYSES_SUBMIT,)),
)
lambda_handler = queue_function(SUBSCRIBER)
