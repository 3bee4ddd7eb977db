"""Things that can be seen, objects as well as faces, found in samples and followed through time."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Resumable, Watcher
from functions.analysis.analyzers.tracking import Detection, Tracker
from functions.analysis.frames import Frame
from functions.videos.domain.results import ModelUsed


class Detector(Protocol):
    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    @property
    def side(self) -> int:
        """The longer side of the pictures that it looks at."""
        ...

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        """What a BGR picture shows, each thing once."""
        ...


class ThingAnalyzer(Watcher, Resumable):
    """`interval_ms` is the time between samples."""

    slow = True
    lent = frozenset({"_detector"})

    def __init__(self, name: str, features: frozenset[str], detector: Detector, interval_ms: int) -> None:
        self.name = name
        self.features = features
        self._detector = detector
        self._interval_ms = interval_ms
        self._next_sample_ms = 0
        self._tracker = Tracker(interval_ms)

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._detector.models

    def see(self, frame: Frame) -> None:
        if frame.start_ms < self._next_sample_ms:
            return
        # On the grid, or a frame that is a little late each time would make the samples fewer.
        self._next_sample_ms = frame.start_ms - frame.start_ms % self._interval_ms + self._interval_ms
        self._tracker.update(frame.start_ms, self._detector.detect(frame.picture(self._detector.side)))

    def finish(self, duration_ms: int) -> Findings:
        return Findings(tracks=self._tracker.finish())
