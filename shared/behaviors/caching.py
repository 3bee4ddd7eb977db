"""Answers of queries, kept for a short time: in the memory of a process, and in a table where a policy asks for it.

The key is the query, the workspace and what the caller may do there (Authorization has just looked), so no answer
crosses workspaces or roles. Failures aren't kept. An answer carries the versions of its tags from before it was made
and is good while they stand, whichever process raised one (`shared.persistence.tags`).

There is no stampede: in a process one caller makes an answer while the others wait for it. Between processes, for what
is shared, whoever makes one takes a short lease; others wait a moment and then make it themselves, so a process that
ended holds up nobody for long. The lease only saves work: nothing goes wrong without it.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.aws.clients import error_code
from shared.cqrs.messages import Message, answer_type
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Caching as CachingPolicy
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import EphemeralRow, key_of
from shared.persistence.scope import Runtime
from shared.persistence.tags import read_versions

MAX_ANSWERS = 1_000
MAX_SHARED_BYTES = 300_000
"""A larger answer stays in the memory of the process that made it: an item holds 400 KB."""

_LEASE_MS = 5_000
_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
_SORT_KEY = "ANSWER"


class AnswerRow(EphemeralRow):
    """An answer, or that somebody is making one. Times are in Unix milliseconds."""

    answer = UnicodeAttribute(null=True)
    answer_id = UnicodeAttribute(null=True)
    versions = JSONAttribute(null=True)
    until = NumberAttribute(null=True)
    maker = UnicodeAttribute(null=True)
    making_until = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class _Answer:
    result: Success[Any]
    versions: list[str]
    until: int


@dataclass(slots=True)
class _Making:
    """An answer that is being made; whoever else wants it waits for the lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0


class AnswerCache:
    """Answers of one process by key, the least recently used dropped first. Safe to use from several threads."""

    def __init__(self, max_answers: int = MAX_ANSWERS) -> None:
        self._max_answers = max_answers
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._making: dict[str, _Making] = {}
        self._lock = threading.Lock()

    def find(self, key: str, versions: list[str], now: int) -> Success[Any] | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                return None
            if answer.until <= now or answer.versions != versions:
                del self._answers[key]
                return None
            self._answers.move_to_end(key)
            return answer.result

    def keep(self, key: str, answer: _Answer) -> None:
        with self._lock:
            self._answers[key] = answer
            self._answers.move_to_end(key)
            while len(self._answers) > self._max_answers:
                self._answers.popitem(last=False)

    @contextmanager
    def alone(self, key: str) -> Iterator[bool]:
        """Keep others of this process from making the same answer meanwhile; whether one had to wait for them."""
        with self._lock:
            making = self._making.setdefault(key, _Making())
            had_to_wait = making.waiting > 0
            making.waiting += 1
        try:
            with making.lock:
                yield had_to_wait
        finally:
            with self._lock:
                making.waiting -= 1
                if not making.waiting:
                    del self._making[key]


@dataclass(frozen=True, slots=True)
class _Question:
    key: str
    workspace_id: str | None
    tags: tuple[str, ...]

    @property
    def pk(self) -> str:
        return f"ANSWER#{self.workspace_id or '-'}#{hashlib.sha256(self.key.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class _Look:
    """What there is: an answer that is good, and otherwise what one must be made under and in the place of."""

    found: Success[Any] | None
    versions: list[str]
    replaced: str | None = None


class Caching:
    def __init__(
        self,
        policy: CachingPolicy,
        message_type: type[Message],
        runtime: Runtime,
        cache: AnswerCache | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._policy = policy
        self._runtime = runtime
        self._cache = cache or AnswerCache()
        self._shared = SharedAnswers(message_type, runtime) if policy.shared else None
        self._sleep = sleep

    def __call__(self, proceed: Proceed) -> Proceed:
        def cached(message: Message, context: Context) -> Result[Any]:
            tags = self._policy.tags(message) if self._policy.tags else ()
            question = _Question(self._key(message, context), context.workspace_id, tags)
            look = self._look(question)
            if look.found is not None:
                return look.found
            with self._cache.alone(question.key) as had_to_wait:
                if had_to_wait:
                    look = self._look(question)
                return look.found or self._make(question, look, lambda: proceed(message, context))

        return cached

    def _make(self, question: _Question, look: _Look, make: Callable[[], Result[Any]]) -> Result[Any]:
        if self._shared is None:
            result = make()
            self._keep(question, look.versions, result)
            return result
        lease = self._shared.lease(question, look.replaced)
        for pause in _PAUSES_SECONDS:
            if lease is not None:
                break
            self._sleep(pause)
            look = self._look(question)
            if look.found is not None:
                return look.found
            lease = self._shared.lease(question, look.replaced)
        is_shared = False
        try:
            result = make()
            is_shared = self._keep(question, look.versions, result)
            return result
        finally:
            if lease is not None and not is_shared:
                self._shared.give_back(question, lease)

    def _look(self, question: _Question) -> _Look:
        now, versions = _now_ms(self._runtime), list[str]()
        if question.tags:
            versions = read_versions(self._runtime.store, question.workspace_id, question.tags)
        found = self._cache.find(question.key, versions, now)
        if found is not None or self._shared is None:
            return _Look(found, versions)
        kept, answer_id = self._shared.find(question)
        if kept is None or kept.versions != versions or kept.until <= now:
            return _Look(None, versions, answer_id)
        self._cache.keep(question.key, kept)
        return _Look(kept.result, versions)

    def _keep(self, question: _Question, versions: list[str], result: Result[Any]) -> bool:
        """Keep a success; whether other processes have it too."""
        if isinstance(result, Failure):
            return False
        answer = _Answer(result, versions, _now_ms(self._runtime) + self._policy.ttl_seconds * 1000)
        self._cache.keep(question.key, answer)
        return self._shared is not None and self._shared.keep(question, answer)

    def _key(self, message: Message, context: Context) -> str:
        caller = "" if isinstance(context.principal, Anonymous) else context.principal.actor
        # Whoever isn't asking within a workspace shares with nobody, unless nobody was asked for a name.
        shares = context.workspace_id is not None and bool(context.permissions) and not self._policy.per_caller
        parts = (
            f"{type(message).__module__}.{type(message).__qualname__}",
            context.workspace_id or "",
            ",".join(sorted(context.permissions)) if shares else caller,
            message.model_dump_json(),
        )
        return "\0".join(parts)


class SharedAnswers:
    """Answers in the ephemeral table, for all processes of the stage."""

    def __init__(self, message_type: type[Message], runtime: Runtime) -> None:
        self._answers: TypeAdapter[Any] = TypeAdapter(answer_type(message_type))
        self._runtime = runtime

    def find(self, question: _Question) -> tuple[_Answer | None, str | None]:
        """The last answer, which may be out of date, and its id."""
        row = self._runtime.store.get(AnswerRow, question.pk, _SORT_KEY)
        if row is None or row.answer is None:
            return None, None
        try:
            result = Success(self._answers.validate_json(row.answer))
        except ValidationError:
            # Another release made it, whose answers have another shape.
            return None, row.answer_id
        return _Answer(result, row.versions, int(row.until)), row.answer_id

    def keep(self, question: _Question, answer: _Answer) -> bool:
        """Keep an answer, unless it is too large."""
        text = self._answers.dump_json(answer.result.value).decode()
        if len(text.encode()) > MAX_SHARED_BYTES:
            return False
        row = AnswerRow(
            pk=question.pk,
            sk=_SORT_KEY,
            answer=text,
            answer_id=self._runtime.ids.new(),
            versions=answer.versions,
            until=answer.until,
            expires_at=math.ceil(answer.until / 1000) + 60,
        )
        self._dynamodb.put_item(TableName=self._table, Item=row.serialize())
        return True

    def lease(self, question: _Question, replaced: str | None) -> str | None:
        """Be the one who makes the answer, under the id that is returned; keeping an answer ends the lease.

        `None` while somebody else makes it, and where another answer than `replaced` is there by now.
        """
        now = _now_ms(self._runtime)
        maker = self._runtime.ids.new()
        values: dict[str, dict[str, str]] = {
            ":maker": {"S": maker},
            ":until": {"N": str(now + _LEASE_MS)},
            ":now": {"N": str(now)},
            ":expires": {"N": str(math.ceil((now + _LEASE_MS) / 1000) + 60)},
        }
        unchanged = "attribute_not_exists(answer_id)"
        if replaced is not None:
            unchanged, values[":replaced"] = "answer_id = :replaced", {"S": replaced}
        changes = "SET maker = :maker, making_until = :until, expires_at = :expires"
        free = "(attribute_not_exists(making_until) OR making_until < :now)"
        return maker if self._update(question, changes, f"{free} AND {unchanged}", values) else None

    def give_back(self, question: _Question, maker: str) -> None:
        self._update(question, "REMOVE maker, making_until", "maker = :maker", {":maker": {"S": maker}})

    def _update(self, question: _Question, changes: str, condition: str, values: dict[str, dict[str, str]]) -> bool:
        from botocore.exceptions import ClientError

        try:
            self._dynamodb.update_item(
                TableName=self._table,
                Key=key_of(question.pk, _SORT_KEY),
                UpdateExpression=changes,
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    @property
    def _dynamodb(self) -> Any:
        return self._runtime.client("dynamodb")

    @property
    def _table(self) -> str:
        return self._runtime.settings.table("ephemeral")


def _now_ms(runtime: Runtime) -> int:
    return math.floor(runtime.clock.now().timestamp() * 1000)
