"""The index of moments follows the videos: each one's current analysis is in it, and nothing of one that is gone."""

from functions.entry import queue_function
from functions.resources import RESULTS_READ, RESULTS_WRITE
from functions.videos.adapters.moment_index import MomentIndexWriter
from functions.videos.adapters.videos import read_video
from functions.videos.events import VideoChanged
from shared.aws.grants import READ_MODELS_READ, READ_MODELS_WRITE
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class IndexMomentsHandler:
    """Looks at the video as it is now, so it doesn't matter in which order its events arrive."""

    def __init__(self, scope: WriteScope, index: MomentIndexWriter) -> None:
        self._scope = scope
        self._index = index

    def __call__(self, event: VideoChanged) -> Result[None]:
        video = read_video(self._scope.store, event.workspace_id, event.video_id)
        self._index.show(event.workspace_id, event.video_id, video.current_analysis_id if video else None)
        return Success(None)


def build(scope: WriteScope) -> IndexMomentsHandler:
    return IndexMomentsHandler(scope, MomentIndexWriter(scope))


SUBSCRIBER = Subscriber(
    name="index-moments",
    message=VideoChanged,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(
        grants=(RESULTS_READ, RESULTS_WRITE, READ_MODELS_READ, READ_MODELS_WRITE), layers=("embedding",), memory_mb=1024
    ),
)
lambda_handler = queue_function(SUBSCRIBER)
