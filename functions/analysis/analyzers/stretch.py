"""Sound without holes, put together from packets."""

import numpy as np
from numpy.typing import NDArray

from functions.analysis.sound import SAMPLE_RATE, Sound

# A hole in the sound is filled with silence up to this length; beyond, what follows is a stretch of its own.
_LONGEST_FILLED_MS = 5_000
# Timestamps of sound jitter by a packet or two.
_JITTER_MS = 150


class Stretch:
    """Samples of 16 kHz mono that follow each other. Taken from the front, they make room for more."""

    def __init__(self) -> None:
        self.start_ms = 0.0
        self._pieces: list[NDArray[np.int16]] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def is_continued_by(self, sound: Sound) -> bool:
        return not self._pieces or self._gap_ms(sound) <= _LONGEST_FILLED_MS

    def append(self, sound: Sound) -> None:
        if not self._pieces:
            self.start_ms = sound.start_ms
        gap_ms = self._gap_ms(sound)
        if gap_ms > _JITTER_MS:
            self._add(np.zeros(round(gap_ms * SAMPLE_RATE / 1000), dtype=np.int16))
        self._add(sound.samples)

    def samples(self) -> NDArray[np.int16]:
        if len(self._pieces) != 1:
            self._pieces = [np.concatenate(self._pieces)] if self._pieces else [np.zeros(0, dtype=np.int16)]
        return self._pieces[0]

    def drop(self, count: int) -> None:
        """Of the samples the first `count`."""
        rest = self.samples()[count:]
        self.start_ms += count * 1000 / SAMPLE_RATE
        self._pieces = [rest.copy()] if rest.size else []
        self._count = rest.size

    def _add(self, samples: NDArray[np.int16]) -> None:
        self._pieces.append(samples)
        self._count += samples.size

    def _gap_ms(self, sound: Sound) -> float:
        return sound.start_ms - (self.start_ms + self._count * 1000 / SAMPLE_RATE)
