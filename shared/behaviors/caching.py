"""Answers of queries, kept in the memory of one process for a short time.

The key is the query, the workspace and what the caller may do there, so no answer crosses workspaces or roles. Failures
aren't kept. While one caller waits for an answer, others with the same question wait for it instead of asking again
(no stampede). A tag drops the answers that carry it, also one that is being made at that moment; other processes notice
a change when the answer's time is over.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Caching as CachingPolicy
from shared.kernel.clock import Clock
from shared.kernel.principals import Anonymous
from shared.kernel.result import Result, Success

MAX_ANSWERS = 1_000


@dataclass(frozen=True, slots=True)
class _Answer:
    result: Success[Any]
    tags: frozenset[str]
    until: datetime


@dataclass(slots=True)
class _Making:
    """An answer that is being made; whoever else wants it waits for the lock."""

    tags: frozenset[str]
    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: int = 0
    outdated: bool = False


class AnswerCache:
    """Answers by key, the least recently used dropped first. Safe to use from several threads."""

    def __init__(self, clock: Clock, max_answers: int = MAX_ANSWERS) -> None:
        self._clock = clock
        self._max_answers = max_answers
        self._answers: OrderedDict[str, _Answer] = OrderedDict()
        self._making: dict[str, _Making] = {}
        self._lock = threading.Lock()

    def get_or_make(
        self, key: str, ttl: timedelta, tags: frozenset[str], make: Callable[[], Result[Any]]
    ) -> Result[Any]:
        kept = self._find(key)
        if kept is not None:
            return kept
        with self._alone(key, tags) as making:
            kept = self._find(key)
            if kept is not None:
                return kept
            making.outdated = False
            result = make()
            if isinstance(result, Success):
                self._keep(key, _Answer(result, tags, self._clock.now() + ttl), making)
            return result

    def drop(self, tag: str) -> None:
        """Forget every answer that carries a tag."""
        with self._lock:
            for key in [key for key, answer in self._answers.items() if tag in answer.tags]:
                del self._answers[key]
            for making in self._making.values():
                making.outdated = making.outdated or tag in making.tags

    def _find(self, key: str) -> Success[Any] | None:
        with self._lock:
            answer = self._answers.get(key)
            if answer is None:
                return None
            if answer.until <= self._clock.now():
                del self._answers[key]
                return None
            self._answers.move_to_end(key)
            return answer.result

    def _keep(self, key: str, answer: _Answer, making: _Making) -> None:
        with self._lock:
            if making.outdated:
                return
            self._answers[key] = answer
            while len(self._answers) > self._max_answers:
                self._answers.popitem(last=False)

    @contextmanager
    def _alone(self, key: str, tags: frozenset[str]) -> Any:
        with self._lock:
            making = self._making.setdefault(key, _Making(tags))
            making.waiting += 1
        try:
            with making.lock:
                yield making
        finally:
            with self._lock:
                making.waiting -= 1
                if not making.waiting:
                    del self._making[key]


class Caching:
    def __init__(self, policy: CachingPolicy, cache: AnswerCache) -> None:
        self._ttl = timedelta(seconds=policy.ttl_seconds)
        self._policy = policy
        self._cache = cache

    def __call__(self, proceed: Proceed) -> Proceed:
        def cached(message: Message, context: Context) -> Result[Any]:
            tags = self._policy.tags(message) if self._policy.tags else ()
            return self._cache.get_or_make(
                self._key(message, context),
                self._ttl,
                frozenset(tenant_tag(context.workspace_id, tag) for tag in tags),
                lambda: proceed(message, context),
            )

        return cached

    def _key(self, message: Message, context: Context) -> str:
        caller = "" if isinstance(context.principal, Anonymous) else context.principal.actor
        # Whoever isn't asking within a workspace shares with nobody, unless nobody was asked for a name.
        shares = context.workspace_id is not None and bool(context.permissions) and not self._policy.per_caller
        parts = (
            type(message).__qualname__,
            context.workspace_id or "",
            ",".join(sorted(context.permissions)) if shares else caller,
            message.model_dump_json(),
        )
        return "\0".join(parts)


def tenant_tag(workspace_id: str | None, tag: str) -> str:
    """A tag as the cache knows it: within one workspace, or outside of any."""
    return f"{workspace_id or ''}\0{tag}"
