"""The sound of a video, as the analyzers want it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from functions.analysis.timestamps import StreamTimes

if TYPE_CHECKING:
    from av import AudioFrame

SAMPLE_RATE = 16_000


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples of 16 kHz mono, as 16-bit integers."""

    start_ms: int
    samples: NDArray[np.int16]


class Hearing:
    """The sound of one pass. `behind_ms` is the stamp of the sound behind which it begins, if it goes on somewhere."""

    def __init__(self, announced_ms: int | None, behind_ms: float | None) -> None:
        self._times = StreamTimes(20.0, announced_ms)
        self._resampler = _resampler()
        self._behind_ms = behind_ms
        self.last_stamp_ms = self._behind_ms
        self._next_ms = 0.0

    @property
    def regular(self) -> bool:
        return self._times.regular

    def take(self, frame: "AudioFrame", stamp_ms: float | None) -> Iterator[Sound]:
        from av.error import FFmpegError

        if stamp_ms is not None and self._behind_ms is not None and stamp_ms <= self._behind_ms:
            return
        start_ms = self._times.place(stamp_ms)
        self.last_stamp_ms = stamp_ms
        try:
            pieces = self._resampler.resample(frame)
        except (FFmpegError, ValueError):
            # The format changed in mid-stream to one that the resampler wasn't set up for; this bit of sound is lost.
            return
        yield from self._sounds(pieces, start_ms)

    def pause(self) -> Iterator[Sound]:
        """Gives out what the resampler holds back, and begins with a new one."""
        from av.error import FFmpegError

        resampler, self._resampler = self._resampler, _resampler()
        if self.last_stamp_ms is None:
            return
        try:
            pieces = resampler.resample(None)
        except (FFmpegError, ValueError):
            return
        yield from self._sounds(pieces, self._next_ms)

    def _sounds(self, pieces: "Iterable[AudioFrame]", start_ms: float) -> Iterator[Sound]:
        for piece in pieces:
            samples = np.asarray(piece.to_ndarray(), dtype=np.int16).reshape(-1)
            if samples.size:
                yield Sound(round(start_ms), samples)
                start_ms += samples.size * 1000 / SAMPLE_RATE
        self._next_ms = start_ms


def _resampler() -> Any:
    from av import AudioResampler

    return AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
