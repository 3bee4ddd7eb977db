from functions.entry import queue_function
from functions.videos.adapters.projections import VIDEOS
from functions.videos.events import VideoChanged
from shared.aws.grants import READ_MODELS_WRITE
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


def build(scope: WriteScope) -> Projector[VideoChanged]:
    return Projector(VIDEOS, scope)


SUBSCRIBER = Subscriber(
    name="project-videos",
    message=VideoChanged,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(grants=(READ_MODELS_WRITE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
