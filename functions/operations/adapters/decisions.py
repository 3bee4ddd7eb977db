"""What becomes of a dead letter: a process of two steps, since a queue takes no part in a transaction.

The decision is durable before it is carried out, so no letter is gone without a reason; carried out a second time it
changes nothing, so whoever got no answer decides the same once more.
"""

from functions.operations.adapters.dead_letters import BeingRead, DeadLetter, DeadLetters
from functions.operations.adapters.operations import actor_of
from functions.operations.adapters.rows import DECISION, DecisionRow, dead_letter_partition
from functions.operations.domain.dead_letters import DecidedOtherwise, NothingToRedriveTo, Outcome
from shared.cqrs.messages import View
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.result import Failure, Result, Success
from shared.observability.logger import log
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store
from shared.persistence.unit_of_work import Refused


class DecisionView(View):
    dead_letter_id: str
    status: str
    reason: str | None
    decided_by: str
    decided_at: str


def read_decision(store: Store, dead_letter_id: str) -> DecisionRow | None:
    return store.get(DecisionRow, dead_letter_partition(dead_letter_id), DECISION)


class Decisions:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope
        self._letters = DeadLetters(scope.runtime)

    def carry_out(self, dead_letter_id: str, outcome: Outcome, reason: str | None = None) -> Result[DecisionView]:
        """Decide and do it. Decided so before, the earlier decision is the answer."""
        agreed = self._carry_out(dead_letter_id, outcome, reason)
        if isinstance(agreed, Failure):
            return agreed
        decided = agreed.value
        return Success(
            DecisionView(
                dead_letter_id=dead_letter_id,
                status=decided.outcome,
                reason=decided.reason,
                decided_by=decided.decided_by,
                decided_at=decided.decided_at,
            )
        )

    def _carry_out(self, dead_letter_id: str, outcome: Outcome, reason: str | None) -> Result[DecisionRow]:
        try:
            with self._letters.one(dead_letter_id) as letter:
                if letter is not None:
                    return self._settle(letter, outcome, reason)
        except BeingRead:
            if read_decision(self._scope.store, dead_letter_id) is None:
                raise
        decided = read_decision(self._scope.store, dead_letter_id)
        return Failure(NotFound()) if decided is None else _agreeing(decided, outcome)

    def _settle(self, letter: DeadLetter, outcome: Outcome, reason: str | None) -> Result[DecisionRow]:
        if outcome is Outcome.REDRIVEN and letter.queue.origin is None:
            return Failure(NothingToRedriveTo())
        agreed = _agreeing(self._decide(letter, outcome, reason), outcome)
        if isinstance(agreed, Failure):
            return agreed
        if outcome is Outcome.REDRIVEN:
            self._letters.redrive([letter])
        else:
            self._letters.remove([letter])
        about = {"dead_letter_id": letter.dead_letter_id, "outcome": str(outcome), "reason": reason}
        log().warning("dead letter settled", extra=about)
        return agreed

    def _decide(self, letter: DeadLetter, outcome: Outcome, reason: str | None) -> DecisionRow:
        decided = read_decision(self._scope.store, letter.dead_letter_id)
        if decided is not None:
            return decided
        row = DecisionRow(
            pk=dead_letter_partition(letter.dead_letter_id),
            sk=DECISION,
            outcome=outcome,
            reason=reason,
            decided_by=actor_of(self._scope),
            decided_at=rfc3339(self._scope.runtime.clock.now()),
            letter=self._letters.describe(letter),
            version=1,
        )
        uow = self._scope.runtime.begin(self._scope.context)
        uow.insert(row, otherwise=Conflict("Somebody else decided at the same time."))
        try:
            uow.commit()
        except Refused as refused:
            decided = read_decision(self._scope.store, letter.dead_letter_id)
            if decided is None:
                raise refused.error from refused
            return decided
        return row


def _agreeing(decided: DecisionRow, outcome: Outcome) -> Result[DecisionRow]:
    return Success(decided) if decided.outcome == outcome else Failure(DecidedOtherwise(decided.outcome))
