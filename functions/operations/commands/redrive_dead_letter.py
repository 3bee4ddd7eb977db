from functions.entry import http_function
from functions.operations.adapters.decisions import Decisions
from functions.operations.adapters.rows import DecisionRow
from functions.operations.domain.dead_letters import DeadLetterId, Outcome
from functions.resources import DEAD_LETTERS_REDRIVE
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Command, View
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class DecisionView(View):
    dead_letter_id: str
    status: str
    reason: str | None
    decided_by: str
    decided_at: str

    @classmethod
    def of(cls, dead_letter_id: str, decided: DecisionRow) -> "DecisionView":
        return cls(
            dead_letter_id=dead_letter_id,
            status=decided.outcome,
            reason=decided.reason,
            decided_by=decided.decided_by,
            decided_at=decided.decided_at,
        )


class RedriveDeadLetter(Command[DecisionView]):
    """Send a dead letter to its subscriber again, which handles it unless it had done so before."""

    dead_letter_id: DeadLetterId


class RedriveDeadLetterHandler:
    def __init__(self, decisions: Decisions) -> None:
        self._decisions = decisions

    def __call__(self, command: RedriveDeadLetter) -> Result[DecisionView]:
        decided = self._decisions.carry_out(command.dead_letter_id, Outcome.REDRIVEN)
        if isinstance(decided, Failure):
            return decided
        return Success(DecisionView.of(command.dead_letter_id, decided.value))


def build(scope: WriteScope) -> RedriveDeadLetterHandler:
    return RedriveDeadLetterHandler(Decisions(scope))


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
