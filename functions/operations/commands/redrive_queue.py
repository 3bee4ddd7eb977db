from typing import Annotated

from pydantic import Field

from functions.entry import http_function
from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.adapters.operations import REDRIVE, start_operation
from functions.operations.domain.dead_letters import NothingToRedriveTo
from functions.operations.queries.get_operation import OperationView
from functions.resources import DEAD_LETTERS_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.errors import FieldError, ValidationFailed
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class RedriveQueue(Command[OperationView]):
    """Send every letter that is dead now to its subscriber again. Those that fail again meanwhile stay."""

    queue: Annotated[str, Field(min_length=1, max_length=100)]


class RedriveQueueHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: RedriveQueue) -> Result[OperationView]:
        queues = DeadLetters(self._scope.runtime).all_queues.named(command.queue)
        if not queues:
            return Failure(ValidationFailed([FieldError("/queue", "unknown-queue", "There is no such queue")]))
        if all(queue.origin is None for queue in queues):
            return Failure(NothingToRedriveTo())
        operation = start_operation(self._scope, REDRIVE, command.queue, {})
        return Success(OperationView.of(operation))


def build(scope: WriteScope) -> RedriveQueueHandler:
    return RedriveQueueHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/admin/dead-letters/redrive",
    RedriveQueue,
    build,
    status=202,
    policy=Policy(administrators=True, idempotency=Idempotency.OPTIONAL, audit="RedriveQueue"),
    summary="Redrive all dead letters of a queue",
    needs=FunctionNeeds(grants=(DEAD_LETTERS_READ,)),
    location=lambda _path, operation: f"/v1/admin/operations/{operation.operation_id}",
)
lambda_handler = http_function(ENDPOINT)
