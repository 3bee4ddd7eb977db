from functions.entry import queue_function
from functions.workspaces.adapters.projections import WORKSPACES
from functions.workspaces.events import WorkspaceCreated
from shared.aws.grants import READ_MODELS_WRITE
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


def build(scope: WriteScope) -> Projector[WorkspaceCreated]:
    return Projector(WORKSPACES, scope)


SUBSCRIBER = Subscriber(
    name="project-workspaces",
    message=WorkspaceCreated,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(grants=(READ_MODELS_WRITE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
