from functions.conversations.adapters.projections import CONVERSATIONS
from functions.conversations.events import ConversationStarted
from functions.entry import queue_function
from shared.aws.grants import READ_MODELS_WRITE
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


def build(scope: WriteScope) -> Projector[ConversationStarted]:
    return Projector(CONVERSATIONS, scope)


SUBSCRIBER = Subscriber(
    name="project-conversations",
    message=ConversationStarted,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(grants=(READ_MODELS_WRITE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
