from typing import Any

from functions.entry import http_function
from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.adapters.decisions import read_decision
from functions.operations.domain.dead_letters import DeadLetterId
from functions.resources import DEAD_LETTERS_READ
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope

WAITING = "waiting"


class DeadLetterSummary(View):
    """`queue` is where the message failed, or the dead-letter queue itself for what came from no queue."""

    dead_letter_id: str
    status: str
    queue: str
    dead_letter_queue: str
    subscriber: str
    message_id: str
    source: str | None = None
    detail_type: str | None = None
    correlation_id: str | None = None
    workspace_id: str | None = None
    error: str | None = None
    reason: str | None = None
    first_failed_at: str | None = None
    last_failed_at: str | None = None
    deliveries: int | None = None
    sent_at: str
    is_redrivable: bool


class DeadLetterView(DeadLetterSummary):
    """`message` is the body; what became of a letter that is settled stands in the `decided_…` and the decision's
    reason.
    """

    message: Any = None
    decided_by: str | None = None
    decided_at: str | None = None
    decision_reason: str | None = None


class GetDeadLetter(Query[DeadLetterView]):
    dead_letter_id: DeadLetterId


class GetDeadLetterHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetDeadLetter) -> Result[DeadLetterView]:
        letters = DeadLetters(self._scope.runtime)
        with letters.one(query.dead_letter_id) as letter:
            if letter is not None:
                told = letters.describe(letter)
                return Success(DeadLetterView.model_validate({**told, "status": WAITING, "message": letter.message}))
        decided = read_decision(self._scope.store, query.dead_letter_id)
        if decided is None:
            return Failure(NotFound())
        told = decided.letter
        return Success(
            DeadLetterView.model_validate(
                {
                    **told,
                    "status": decided.outcome,
                    "decided_by": decided.decided_by,
                    "decided_at": decided.decided_at,
                    "decision_reason": decided.reason,
                }
            )
        )


def build(scope: ReadScope) -> GetDeadLetterHandler:
    return GetDeadLetterHandler(scope)


ENDPOINT = query(
    "/v1/admin/dead-letters/{dead_letter_id}",
    GetDeadLetter,
    build,
    policy=Policy(administrators=True),
    summary="One dead letter, with its message",
    needs=FunctionNeeds(grants=(DEAD_LETTERS_READ, EPHEMERAL_READ)),
)
lambda_handler = http_function(ENDPOINT)
