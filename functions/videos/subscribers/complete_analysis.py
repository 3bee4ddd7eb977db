"""The worker tells how an analysis ended: the hold is settled or released."""

from functions.entry import queue_function
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.domain.analysis import AnalysisError
from functions.videos.messages import CompleteAnalysis
from shared.kernel.result import Result
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class CompleteAnalysisHandler:
    def __init__(self, endings: AnalysisEndings) -> None:
        self._endings = endings

    def __call__(self, command: CompleteAnalysis) -> Result[None]:
        if command.reason is not None:
            error = AnalysisError(command.reason, command.detail or "")
            return self._endings.fail(command.workspace_id, command.video_id, command.analysis_id, error)
        return self._endings.complete(
            command.workspace_id,
            command.video_id,
            command.analysis_id,
            duration_ms=command.duration_ms,
            counts={
                "shots": command.shots,
                "texts": command.texts,
                "speech": command.speech,
                "moments": command.moments,
            },
            failed_features={one.feature: AnalysisError(one.reason, one.detail) for one in command.failed_features},
        )


def build(scope: WriteScope) -> CompleteAnalysisHandler:
    return CompleteAnalysisHandler(AnalysisEndings(scope))


SUBSCRIBER = Subscriber(
    name="complete-analysis", message=CompleteAnalysis, queue=QueueClass.VIDEO_PROCESSING, build=build
)
lambda_handler = queue_function(SUBSCRIBER)
