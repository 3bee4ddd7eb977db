from collections.abc import Callable
from typing import Annotated

from pydantic import StringConstraints

from functions.entry import http_function
from functions.operations.adapters.decisions import Decisions, DecisionView
from functions.operations.domain.dead_letters import DeadLetterId, Outcome
from functions.resources import DEAD_LETTERS_DISCARD
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.result import Result
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class DiscardDeadLetter(Command[DecisionView]):
    """Remove a dead letter for good; the reason is kept."""

    dead_letter_id: DeadLetterId
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


def build(scope: WriteScope) -> Callable[[DiscardDeadLetter], Result[DecisionView]]:
    def discard(command: DiscardDeadLetter) -> Result[DecisionView]:
        return Decisions(scope).carry_out(command.dead_letter_id, Outcome.DISCARDED, command.reason)

    return discard


ENDPOINT = command(
    "POST",
    "/v1/admin/dead-letters/{dead_letter_id}/discard",
    DiscardDeadLetter,
    build,
    status=200,
    policy=Policy(administrators=True, idempotency=Idempotency.OPTIONAL, audit="DiscardDeadLetter"),
    summary="Discard a dead letter",
    needs=FunctionNeeds(grants=(DEAD_LETTERS_DISCARD, EPHEMERAL_READ)),
)
lambda_handler = http_function(ENDPOINT)
