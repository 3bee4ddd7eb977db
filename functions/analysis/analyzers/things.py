"""Things that can be seen, objects as well as faces, found in samples and followed through time."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

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


@runtime_checkable
class BatchDetector(Detector, Protocol):
    """One that may be quicker with several pictures at once."""

    @property
    def batch(self) -> int:
        """How many pictures it is best given."""
        ...

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        """What each of these pictures shows, which are of one size."""
        ...


class ThingAnalyzer(Watcher, Resumable):
    """`interval_ms` is the time between samples, of which as many wait as the detector takes at once."""

    slow = True
    lent = frozenset({"_detector"})

    def __init__(self, name: str, features: frozenset[str], detector: Detector, interval_ms: int) -> None:
        self.name = name
        self.features = features
        self._detector = detector
        self._interval_ms = interval_ms
        self._next_sample_ms = 0
        self._tracker = Tracker(interval_ms)
        self._waiting: list[tuple[int, NDArray[np.uint8]]] = []

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._detector.models

    def see(self, frame: Frame) -> None:
        if frame.start_ms < self._next_sample_ms:
            return
        # On the grid, or a frame that is a little late each time would make the samples fewer.
        self._next_sample_ms = frame.start_ms - frame.start_ms % self._interval_ms + self._interval_ms
        picture = frame.picture(self._detector.side)
        if self._waiting and self._waiting[0][1].shape != picture.shape:
            self._look()
        self._waiting.append((frame.start_ms, picture))
        if len(self._waiting) >= (self._detector.batch if isinstance(self._detector, BatchDetector) else 1):
            self._look()

    def finish(self, duration_ms: int) -> Findings:
        self._look()
        return Findings(tracks=self._tracker.finish())

    def _look(self) -> None:
        pictures = [picture for _start_ms, picture in self._waiting]
        if isinstance(self._detector, BatchDetector):
            found = self._detector.detect_all(pictures) if pictures else []
        else:
            found = [self._detector.detect(picture) for picture in pictures]
        for (start_ms, _picture), detections in zip(self._waiting, found, strict=True):
            self._tracker.update(start_ms, detections)
        self._waiting = []
