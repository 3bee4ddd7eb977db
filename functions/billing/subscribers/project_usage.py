from functions.billing.adapters.projections import USAGE
from functions.billing.events import CreditConsumed
from functions.entry import queue_function
from shared.aws.grants import READ_MODELS_WRITE
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


def build(scope: WriteScope) -> Projector[CreditConsumed]:
    return Projector(USAGE, scope)


SUBSCRIBER = Subscriber(
    name="project-usage",
    message=CreditConsumed,
    queue=QueueClass.ANALYTICS,
    build=build,
    needs=FunctionNeeds(grants=(READ_MODELS_WRITE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
