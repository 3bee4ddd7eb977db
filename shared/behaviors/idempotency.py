"""`Idempotency-Key`: the same key and the same request give the first answer again.

The record is written in the command's own transaction, so it exists exactly when the effect does. A parallel loser's
transaction is refused by the record of the winner; it re-reads and replays. Only successes are stored.

That isn't enough for a command that calls an outside service: the loser would call it too. Such a command claims its
key before it runs. The claim is a lease (Gray and Cheriton, "Leases") that ends when its process must have ended, so
one that crashed holds its key no longer than that. The answer takes the claim's place in the command's transaction, on
condition that it still is this request's claim: whoever was too slow and has been taken over has no effect.
"""

import hashlib
import math
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition

from shared.cqrs.messages import Message, answer_type
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Idempotency as KeyPolicy
from shared.kernel.errors import (
    Conflict,
    IdempotencyKeyRequired,
    IdempotencyKeyReused,
    MalformedRequest,
    RequestInProgress,
)
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import EphemeralRow, absent
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import Refused, UnitOfWork

KEPT_SECONDS = 48 * 3600
_LEASE_OUTLASTS_DEADLINE_MS = 3_000
"""A deadline is two seconds before Lambda ends the process."""
_USUAL_SECONDS = 5
_SORT_KEY = "IDEMPOTENCY"


class IdempotencyRow(EphemeralRow):
    """The answer under a key, or the claim of the request that is to give it."""

    fingerprint = UnicodeAttribute()
    answer = UnicodeAttribute(null=True)
    claimed_by = UnicodeAttribute(null=True)
    """The message id of the claiming request."""
    claimed_until = NumberAttribute(null=True)
    """Unix milliseconds."""


class _AnsweredMeanwhile(Conflict):
    """Another request with this key committed first, or claimed it."""


@dataclass(frozen=True, slots=True)
class _Request:
    """Where the answer under a key is kept, and a digest of what the key is for."""

    pk: str
    fingerprint: str


class Idempotency:
    def __init__(
        self, policy: KeyPolicy, message_type: type[Message], runtime: Runtime, *, claims_key: bool = False
    ) -> None:
        self._required = policy is KeyPolicy.REQUIRED
        self._answers: TypeAdapter[Any] = TypeAdapter(answer_type(message_type))
        self._runtime = runtime
        self.claims_key = claims_key

    def __call__(self, proceed: Proceed) -> Proceed:
        def once(message: Message, context: Context) -> Result[Any]:
            key = context.idempotency_key
            if key is None:
                if self._required:
                    return Failure(IdempotencyKeyRequired("Send an Idempotency-Key header, new for each new intent."))
                return proceed(message, context)
            if not (1 <= len(key) <= 255 and all("!" <= character <= "~" for character in key)):
                return Failure(MalformedRequest("Idempotency-Key takes 1 to 255 visible ASCII characters."))
            fingerprint = hashlib.sha256(message.model_dump_json().encode()).hexdigest()
            request = _Request(_partition(message, context, key), fingerprint)
            earlier = self._replay(context, request)
            if earlier is not None:
                return earlier
            if self.claims_key:
                return self._claimed(request, message, context, proceed)
            return self._first(request, message, context, proceed)

        return once

    def _first(self, request: _Request, message: Message, context: Context, proceed: Proceed) -> Result[Any]:
        context.committing.append(lambda uow, answer: self._remember(uow, answer, request))
        result = proceed(message, context)
        if isinstance(result, Failure):
            # Whatever refused this request may be the winner's own effect (a name it took, credits it spent).
            return self._replay(context, request) or result
        return result

    def _claimed(self, request: _Request, message: Message, context: Context, proceed: Proceed) -> Result[Any]:
        if not self._claim(context, request):
            return self._replay(context, request) or _in_progress(1)
        try:
            result = self._first(request, message, context, proceed)
        except Exception:
            self._release(context, request)
            raise
        if isinstance(result, Failure):
            self._release(context, request)
        return result

    def _claim(self, context: Context, request: _Request) -> bool:
        now = self._now()
        uow = self._runtime.begin(context)
        claim = IdempotencyRow(
            pk=request.pk,
            sk=_SORT_KEY,
            expires_at=int(now) + KEPT_SECONDS,
            fingerprint=request.fingerprint,
            claimed_by=context.message_id,
            claimed_until=math.ceil(context.deadline.timestamp() * 1000) + _LEASE_OUTLASTS_DEADLINE_MS,
        )
        lapsed = IdempotencyRow.answer.does_not_exist() & (IdempotencyRow.claimed_until < math.floor(now * 1000))
        uow.put(claim, condition=_free(now) | lapsed, otherwise=_AnsweredMeanwhile("Another request claimed this key."))
        try:
            uow.commit()
        except Refused:
            return False
        return True

    def _release(self, context: Context, request: _Request) -> None:
        """Let the next request try at once. Where this one did commit, or has lost its claim, nothing changes."""
        uow = self._runtime.begin(context)
        uow.delete(
            IdempotencyRow,
            request.pk,
            _SORT_KEY,
            condition=_claim_of(context),
            otherwise=_AnsweredMeanwhile("This request's claim is over."),
        )
        try:
            uow.commit()
        except Refused:
            return

    def _remember(self, uow: UnitOfWork, answer: object, request: _Request) -> None:
        now = self._now()
        uow.put(
            IdempotencyRow(
                pk=request.pk,
                sk=_SORT_KEY,
                expires_at=int(now) + KEPT_SECONDS,
                fingerprint=request.fingerprint,
                answer=self._answers.dump_json(answer).decode(),
            ),
            condition=_claim_of(uow.context) if self.claims_key else _free(now),
            otherwise=_AnsweredMeanwhile("A request with this key was answered meanwhile."),
        )

    def _replay(self, context: Context, request: _Request) -> Result[Any] | None:
        record = self._runtime.store.get(IdempotencyRow, request.pk, _SORT_KEY)
        if record is None or record.expires_at < self._now() or record.claimed_by == context.message_id:
            return None
        if record.fingerprint != request.fingerprint:
            return Failure(IdempotencyKeyReused("This Idempotency-Key was used with another request."))
        if record.answer is not None:
            context.answered_before = True
            return Success(self._answers.validate_json(record.answer))
        remaining_ms = int(record.claimed_until) - math.floor(self._now() * 1000)
        return _in_progress(math.ceil(remaining_ms / 1000)) if remaining_ms >= 0 else None

    def _now(self) -> float:
        """Unix seconds."""
        return self._runtime.clock.now().timestamp()


def _in_progress(lease_seconds: int) -> Failure:
    """The first request ends within its lease, and most often long before."""
    wait = min(max(1, lease_seconds), _USUAL_SECONDS)
    return Failure(RequestInProgress("A request with this Idempotency-Key is being carried out.", wait))


def _free(now: float) -> Condition:
    free: Condition = absent() | (IdempotencyRow.expires_at < int(now))
    return free


def _claim_of(context: Context) -> Condition:
    own: Condition = (IdempotencyRow.claimed_by == context.message_id) & IdempotencyRow.answer.does_not_exist()
    return own


def _partition(message: Message, context: Context, key: str) -> str:
    actor = "" if isinstance(context.principal, Anonymous) else context.principal.actor
    digest = hashlib.sha256(key.encode()).hexdigest()
    return f"IDEMPOTENCY#{context.workspace_id or '-'}#{actor}#{type(message).__name__}#{digest}"
