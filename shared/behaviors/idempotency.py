"""`Idempotency-Key`: the same key and the same request give the first answer again.

The record is written in the command's own transaction, so it exists exactly when the effect does. A parallel loser's
transaction is refused by the record of the winner; it re-reads and replays. Only successes are stored.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from pydantic import TypeAdapter
from pynamodb.attributes import UnicodeAttribute

from shared.cqrs.messages import Message, answer_type
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Idempotency as KeyPolicy
from shared.kernel.clock import Clock
from shared.kernel.errors import (
    Conflict,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    MalformedRequest,
)
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import EphemeralRow, absent
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork

KEPT_SECONDS = 48 * 3600
_SORT_KEY = "IDEMPOTENCY"


class IdempotencyRow(EphemeralRow):
    fingerprint = UnicodeAttribute()
    answer = UnicodeAttribute()


class _AnsweredMeanwhile(Conflict):
    """Another request with this key committed first."""


class Idempotency:
    def __init__(
        self, policy: KeyPolicy, message_type: type[Message], store: Callable[[], Store], clock: Clock
    ) -> None:
        self._required = policy is KeyPolicy.REQUIRED
        self._answers: TypeAdapter[Any] = TypeAdapter(answer_type(message_type))
        self._store = store
        self._clock = clock

    def __call__(self, proceed: Proceed) -> Proceed:
        def once(message: Message, context: Context) -> Result[Any]:
            key = context.idempotency_key
            if key is None:
                if self._required:
                    return Failure(IdempotencyKeyRequired("Send an Idempotency-Key header, new for each new intent."))
                return proceed(message, context)
            if not (1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key)):
                return Failure(MalformedRequest("Idempotency-Key takes 1 to 255 visible ASCII characters."))
            pk = _partition(message, context, key)
            fingerprint = hashlib.sha256(message.model_dump_json().encode()).hexdigest()
            earlier = self._replay(context, pk, fingerprint)
            if earlier is not None:
                return earlier
            context.committing.append(lambda uow, answer: self._remember(uow, answer, pk, fingerprint))
            result = proceed(message, context)
            if isinstance(result, Failure):
                # Whatever refused this request may be the winner's own effect (a name it took, credits it spent).
                return self._replay(context, pk, fingerprint) or result
            return result

        return once

    def _remember(self, uow: UnitOfWork, answer: object, pk: str, fingerprint: str) -> None:
        now = int(self._clock.now().timestamp())
        uow.put(
            IdempotencyRow(
                pk=pk,
                sk=_SORT_KEY,
                expires_at=now + KEPT_SECONDS,
                fingerprint=fingerprint,
                answer=self._answers.dump_json(answer).decode(),
            ),
            condition=absent() | (IdempotencyRow.expires_at < now),
            otherwise=_AnsweredMeanwhile("A request with this key was answered meanwhile."),
        )

    def _replay(self, context: Context, pk: str, fingerprint: str) -> Result[Any] | None:
        record = self._store().get(IdempotencyRow, pk, _SORT_KEY)
        if record is None or record.expires_at < self._clock.now().timestamp():
            return None
        if record.fingerprint != fingerprint:
            return Failure(IdempotencyKeyReused("This Idempotency-Key was used with another request."))
        context.answered_before = True
        return Success(self._answers.validate_json(record.answer))


def _partition(message: Message, context: Context, key: str) -> str:
    actor = "" if isinstance(context.principal, Anonymous) else context.principal.actor
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"IDEMPOTENCY#{context.workspace_id or '-'}#{actor}#{type(message).__name__}#{digest}"
