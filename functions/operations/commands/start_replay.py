from collections.abc import Iterable
from typing import Annotated

from pydantic import AwareDatetime, Field

from functions.entry import http_function
from functions.operations.adapters.operations import REPLAY, start_operation
from functions.operations.domain.replays import subscriptions_from_json
from functions.operations.queries.get_operation import OperationView
from functions.resources import SUBSCRIPTIONS_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, ValidationFailed
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class StartReplay(Command[OperationView]):
    """Send the events that occurred from `from` until before `to` to one subscriber again.

    Its inbox makes those without effect that it has handled. Events so old that it may have forgotten them aren't
    sent but counted (`too_old`).
    """

    subscriber: Annotated[str, Field(min_length=1, max_length=100)]
    begin: Annotated[AwareDatetime, Field(alias="from")]
    end: Annotated[AwareDatetime, Field(alias="to")]

    def rules(self) -> Iterable[FieldError]:
        if self.end <= self.begin:
            yield FieldError("/to", "not-after-from", "The end comes after the beginning")


class StartReplayHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: StartReplay) -> Result[OperationView]:
        runtime = self._scope.runtime
        if command.subscriber not in subscriptions_from_json(runtime.settings["SUBSCRIPTIONS"]):
            error = FieldError("/subscriber", "unknown-subscriber", "No subscriber of our events has this name")
            return Failure(ValidationFailed([error]))
        # Without an end of its own a replay could go on for ever, fed by what it brings about.
        end = min(command.end, runtime.clock.now())
        parameters = {"from": rfc3339(command.begin), "to": rfc3339(end)}
        operation = start_operation(self._scope, REPLAY, command.subscriber, parameters)
        return Success(OperationView.of(operation))


def build(scope: WriteScope) -> StartReplayHandler:
    return StartReplayHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/admin/replays",
    StartReplay,
    build,
    status=202,
    policy=Policy(administrators=True, idempotency=Idempotency.OPTIONAL, audit="StartReplay"),
    summary="Replay events to one subscriber",
    needs=FunctionNeeds(grants=(SUBSCRIPTIONS_READ,)),
    location=lambda _path, operation: f"/v1/admin/operations/{operation.operation_id}",
)
lambda_handler = http_function(ENDPOINT)
