from collections.abc import Callable

from functions.billing.adapters.projections import USAGE, USAGE_TAG
from functions.billing.events import CreditConsumed
from functions.entry import queue_function
from shared.aws.grants import READ_MODELS_WRITE
from shared.kernel.result import Result
from shared.messaging.projections import Projector
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope
from shared.persistence.tags import raise_tag


def build(scope: WriteScope) -> Callable[[CreditConsumed], Result[None]]:
    project = Projector(USAGE, scope)

    def count(event: CreditConsumed) -> Result[None]:
        raise_tag(scope, event.workspace_id, USAGE_TAG)
        return project(event)

    return count


SUBSCRIBER = Subscriber(
    name="project-usage",
    message=CreditConsumed,
    queue=QueueClass.ANALYTICS,
    build=build,
    needs=FunctionNeeds(grants=(READ_MODELS_WRITE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
