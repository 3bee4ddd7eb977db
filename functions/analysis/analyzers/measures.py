"""How much moves, how bright, how contrasted and how sharp the pictures are: measured four times a second."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Resumable, Watcher
from functions.analysis.frames import THUMBNAIL_HEIGHT, Frame
from functions.videos.domain.results import ModelUsed, ShotMeasures

_INTERVAL_MS = 250
# Video's luma goes from 16, black, to 235, white.
_BLACK_LUMA = 16
_LUMA_RANGE = 219
# A change that is seen, rather than grain.
_CHANGED = 0.04
_BLACK = 0.03

Luma = NDArray[np.uint8]


@dataclass(slots=True)
class Samples:
    """Columns of equal length, a row each quarter of a second. What moves is told from the sample before."""

    at_ms: array[int] = field(default_factory=lambda: array("I"))
    motion: array[float] = field(default_factory=lambda: array("f"))
    moving: array[float] = field(default_factory=lambda: array("f"))
    brightness: array[float] = field(default_factory=lambda: array("f"))
    contrast: array[float] = field(default_factory=lambda: array("f"))
    sharpness: array[float] = field(default_factory=lambda: array("f"))

    def of(self, start_ms: int, end_ms: int) -> ShotMeasures | None:
        """Of the samples from one time until before another; None where there are none."""
        first, end = bisect_left(self.at_ms, start_ms), bisect_left(self.at_ms, end_ms)
        if first == end:
            return None
        # The first sample of a shot differs from the one before by the cut.
        pairs = slice(first + 1, end)
        brightness = np.array(self.brightness[first:end])
        return ShotMeasures(
            motion=_mean(self.motion[pairs]) if end - first > 1 else None,
            moving=_mean(self.moving[pairs]) if end - first > 1 else None,
            brightness=_mean(self.brightness[first:end]),
            contrast=_mean(self.contrast[first:end]),
            sharpness=round(float(np.median(self.sharpness[first:end])), 1),
            black=round(float((brightness < _BLACK).mean()), 3),
        )


class MeasureAnalyzer(Watcher, Resumable):
    """No feature fails without it: the shots then have no measures."""

    name = "measures"
    features: frozenset[str] = frozenset()
    slow = False
    models = (ModelUsed(analyzer="measures", model="luma-change, rms-contrast, laplacian-variance", version="1"),)

    def __init__(self) -> None:
        self._samples = Samples()
        self._next_sample_ms = 0
        self._last: Luma | None = None

    def see(self, frame: Frame) -> None:
        if frame.start_ms < self._next_sample_ms:
            return
        import cv2

        self._next_sample_ms = frame.start_ms - frame.start_ms % _INTERVAL_MS + _INTERVAL_MS
        luma = _luma(frame)
        change = cv2.absdiff(luma, luma if self._last is None else self._last)
        self._last = luma
        mean, deviation = cv2.meanStdDev(luma)
        self._samples.at_ms.append(frame.start_ms)
        self._samples.motion.append(cv2.mean(change)[0] / _LUMA_RANGE)
        self._samples.moving.append(np.count_nonzero(change > _CHANGED * _LUMA_RANGE) / luma.size)
        self._samples.brightness.append((mean.item() - _BLACK_LUMA) / _LUMA_RANGE)
        self._samples.contrast.append(deviation.item() / _LUMA_RANGE)
        self._samples.sharpness.append(frame.sharpness)

    def finish(self, duration_ms: int) -> Findings:
        return Findings(measures=self._samples)


def _luma(frame: Frame) -> Luma:
    """Of the thumbnail, from black to white."""
    return frame.thumbnail[:THUMBNAIL_HEIGHT].clip(_BLACK_LUMA, _BLACK_LUMA + _LUMA_RANGE)


def _mean(values: array[float]) -> float:
    return round(float(np.mean(values)), 4)
