"""Identifiers: UUID version 7 (RFC 9562), so keys sort by the time they were made."""

import os
import threading
import uuid
from typing import Annotated, Protocol

from pydantic import StringConstraints

from shared.kernel.clock import Clock, unix_ms

UUID_PATTERN = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"

Uuid = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]


class Ids(Protocol):
    def new(self) -> str: ...


class Uuid7:
    """Makes UUIDv7 strings, strictly increasing within a process (RFC 9562 §6.2, method 1: a counter in `rand_a`)."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._last = (0, 0)

    def new(self) -> str:
        with self._lock:
            milliseconds, counter = unix_ms(self._clock.now()), 0
            if milliseconds <= self._last[0]:
                milliseconds, counter = self._last[0], self._last[1] + 1
                if counter > 0xFFF:
                    milliseconds, counter = milliseconds + 1, 0
            self._last = (milliseconds, counter)
        random = int.from_bytes(os.urandom(8)) & 0x3FFFFFFFFFFFFFFF
        return str(uuid.UUID(int=milliseconds << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | random))
