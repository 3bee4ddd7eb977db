"""Answers that are kept, and those of one process."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from shared.kernel.result import Success

MAX_ANSWERS = 1_000


@dataclass(frozen=True, slots=True)
class AnswerKey:
    """What was asked, in which workspace, and the tags whose raising makes the answer out of date."""

    asked: str
    workspace_id: str | None
    tags: tuple[str, ...]

    @property
    def pk(self) -> str:
        return f"ANSWER#{self.workspace_id or '-'}#{hashlib.sha256(self.asked.encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """`versions` are those of its tags from before it was made, `until` is in Unix milliseconds."""

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
        self._answers: OrderedDict[str, CachedAnswer] = OrderedDict()
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

    def keep(self, key: str, answer: CachedAnswer) -> None:
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
