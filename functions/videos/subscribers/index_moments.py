"""The index of moments follows the videos: each one's current analysis is in it, and nothing of one that is gone."""

from functions.entry import queue_function
from functions.resources import RESULTS_READ, RESULTS_WRITE
from functions.videos.adapters.moment_index import MomentIndexProjection
from functions.videos.adapters.rows import MOMENTS
from functions.videos.events import VideoChanged
from shared.aws.grants import READ_MODELS_READ, READ_MODELS_WRITE
from shared.kernel.result import Result
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope
from shared.persistence.tags import raise_tag


class IndexMomentsHandler:
    """Whatever is found from now on may be something else."""

    def __init__(self, scope: WriteScope, projector: Projector[VideoChanged]) -> None:
        self._scope = scope
        self._project = projector

    def __call__(self, event: VideoChanged) -> Result[None]:
        raise_tag(self._scope, event.workspace_id, MOMENTS)
        return self._project(event)


def build(scope: WriteScope) -> IndexMomentsHandler:
    return IndexMomentsHandler(scope, Projector(MomentIndexProjection(scope.runtime), scope))


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
