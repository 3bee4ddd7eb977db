"""Does the next step of an operation. Its event came with the last step, so one that was interrupted goes on by itself:
the message is delivered again, or waits among the dead letters for a redrive.
"""

from functions.entry import queue_function
from functions.operations.adapters.operations import Operations, read_operation
from functions.operations.adapters.steps import Steps
from functions.operations.domain.operation import OperationStatus
from functions.operations.events import OperationProgressed
from functions.resources import DEAD_LETTERS_REDRIVE, SUBSCRIPTIONS_READ
from shared.aws.grants import EVENTS_READ, QUEUES_SEND, READ_MODELS_REBUILD, READ_MODELS_WRITE
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class ContinueOperationHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, event: OperationProgressed) -> Result[None]:
        operation = read_operation(self._scope.store, event.operation_id)
        if operation is None:
            return Failure(NotFound("There is no such operation."))
        if operation.status is not OperationStatus.RUNNING or operation.step != event.step:
            return Success(None)
        advance = Steps(self._scope.runtime, self._scope.context).take(operation)
        now = rfc3339(self._scope.runtime.clock.now())
        Operations(self._scope.uow).save(operation.advanced(advance, now))
        return Success(None)


def build(scope: WriteScope) -> ContinueOperationHandler:
    return ContinueOperationHandler(scope)


SUBSCRIBER = Subscriber(
    name="continue-operation",
    message=OperationProgressed,
    queue=QueueClass.DEFAULT,
    build=build,
    needs=FunctionNeeds(
        grants=(
            DEAD_LETTERS_REDRIVE,
            SUBSCRIPTIONS_READ,
            QUEUES_SEND,
            EVENTS_READ,
            READ_MODELS_WRITE,
            READ_MODELS_REBUILD,
        )
    ),
)
lambda_handler = queue_function(SUBSCRIBER)
