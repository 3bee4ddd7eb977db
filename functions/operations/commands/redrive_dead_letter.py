from collections.abc import Callable

from functions.entry import http_function
from functions.operations.adapters.decisions import Decisions, DecisionView
from functions.operations.domain.dead_letters import DeadLetterId, Outcome
from functions.resources import DEAD_LETTERS_REDRIVE
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.result import Result
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class RedriveDeadLetter(Command[DecisionView]):
    """Send a dead letter to its subscriber again, which handles it unless it had done so before."""

    dead_letter_id: DeadLetterId


def build(scope: WriteScope) -> Callable[[RedriveDeadLetter], Result[DecisionView]]:
    def redrive(command: RedriveDeadLetter) -> Result[DecisionView]:
        return Decisions(scope).carry_out(command.dead_letter_id, Outcome.REDRIVEN)

    return redrive


ENDPOINT = command(
    "POST",
    "/v1/admin/dead-letters/{dead_letter_id}/redrive",
    RedriveDeadLetter,
    build,
    status=200,
    policy=Policy(administrators=True, idempotency=Idempotency.OPTIONAL, audit="RedriveDeadLetter"),
    summary="Redrive a dead letter",
    needs=FunctionNeeds(grants=(DEAD_LETTERS_REDRIVE, EPHEMERAL_READ)),
)
lambda_handler = http_function(ENDPOINT)
