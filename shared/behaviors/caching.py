"""Answers of queries, kept for a short time: in the memory of a process, and in a table where a policy asks for it.

The key is the query, the workspace and what the caller may do there (Authorization has just looked), so no answer
crosses workspaces or roles. Failures aren't kept. An answer carries the versions of its tags from before it was made
and is good while they stand, whichever process raised one (`shared.persistence.tags`).

There is no stampede: in a process one caller makes an answer while the others wait for it. Between processes, for what
is shared, whoever makes one takes a short lease; others wait a moment and then make it themselves, so a process that
ended holds up nobody for long. The lease only saves work: nothing goes wrong without it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.behaviors.answers import AnswerCache, AnswerKey, CachedAnswer
from shared.behaviors.shared_answers import SharedAnswers
from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Caching as CachingPolicy
from shared.kernel.clock import unix_ms
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import Runtime
from shared.persistence.tags import read_versions

_PAUSES_SECONDS = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8)


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
            key = AnswerKey(self._key(message, context), context.workspace_id, tags)
            look = self._look(key)
            if look.found is not None:
                return look.found
            with self._cache.alone(key.asked) as had_to_wait:
                if had_to_wait:
                    look = self._look(key)
                return look.found or self._make(key, look, lambda: proceed(message, context))

        return cached

    def _make(self, key: AnswerKey, look: _Look, make: Callable[[], Result[Any]]) -> Result[Any]:
        if self._shared is None:
            result = make()
            self._keep(key, look.versions, result)
            return result
        lease = self._shared.lease(key, look.replaced)
        for pause in _PAUSES_SECONDS:
            if lease is not None:
                break
            self._sleep(pause)
            look = self._look(key)
            if look.found is not None:
                return look.found
            lease = self._shared.lease(key, look.replaced)
        is_shared = False
        try:
            result = make()
            is_shared = self._keep(key, look.versions, result)
            return result
        finally:
            if lease is not None and not is_shared:
                self._shared.give_back(key, lease)

    def _look(self, key: AnswerKey) -> _Look:
        now, versions = unix_ms(self._runtime.clock.now()), list[str]()
        if key.tags:
            versions = read_versions(self._runtime.store, key.workspace_id, key.tags)
        found = self._cache.find(key.asked, versions, now)
        if found is not None or self._shared is None:
            return _Look(found, versions)
        kept, answer_id = self._shared.find(key)
        if kept is None or kept.versions != versions or kept.until <= now:
            return _Look(None, versions, answer_id)
        self._cache.keep(key.asked, kept)
        return _Look(kept.result, versions)

    def _keep(self, key: AnswerKey, versions: list[str], result: Result[Any]) -> bool:
        """Keep a success; whether other processes have it too."""
        if isinstance(result, Failure):
            return False
        answer = CachedAnswer(result, versions, unix_ms(self._runtime.clock.now()) + self._policy.ttl_seconds * 1000)
        self._cache.keep(key.asked, answer)
        return self._shared is not None and self._shared.keep(key, answer)

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
