"""The shots of a video, each with its keyframe."""

from array import array
from collections import deque
from collections.abc import Callable
from typing import Protocol

from functions.analysis.analyzers import Findings, Resumable, Watcher
from functions.analysis.analyzers.boundaries import Boundary
from functions.analysis.analyzers.keyframes import Candidate, KeyframePicker, candidate
from functions.analysis.frames import Frame
from functions.videos.domain.results import ModelUsed, Shot, Transition, keyframe_name

_CANDIDATES_EVERY_MS = 250


class BoundaryDetector(Protocol):
    """See `ShotDetector`."""

    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    @property
    def lookahead(self) -> int: ...

    def push(self, frame: Frame) -> Boundary | None: ...

    def finish(self) -> list[Boundary]: ...


class ShotAnalyzer(Watcher, Resumable):
    """Frames wait until the detector has settled them, so a keyframe always comes from its own shot.

    `save` is given each keyframe's object name and JPEG as soon as its shot has ended.
    """

    name = "shots"
    features = frozenset({"shots"})
    lent = frozenset({"_save"})

    def __init__(self, detector: BoundaryDetector, save: Callable[[str, bytes], None], *, slow: bool = False) -> None:
        self.slow = slow
        self._save = save
        self._detector = detector
        self._picker = KeyframePicker()
        self._next_candidate_ms = 0
        # Only the pictures of candidates are held back.
        self._waiting: deque[tuple[int, Candidate | None]] = deque()
        self._starts_ms = array("I")
        self._begin = Boundary(0, Transition.START, 1.0)
        self._shots: list[Shot] = []

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._detector.models

    def see(self, frame: Frame) -> None:
        self._starts_ms.append(frame.start_ms)
        self._waiting.append((frame.index, self._candidate(frame)))
        boundary = self._detector.push(frame)
        if len(self._waiting) > self._detector.lookahead:
            self._settle(boundary)

    def finish(self, duration_ms: int) -> Findings:
        remaining = self._detector.finish()
        while self._waiting:
            index = self._waiting[0][0]
            due = [boundary for boundary in remaining if boundary.frame <= index]
            remaining = [boundary for boundary in remaining if boundary.frame > index]
            self._settle(due[-1] if due else None)
        if self._starts_ms:
            self._close(len(self._starts_ms), duration_ms)
        return Findings(shots=tuple(self._shots))

    def _candidate(self, frame: Frame) -> Candidate | None:
        if frame.start_ms < self._next_candidate_ms:
            return None
        # The frames that are measured as well, which share what is made of them.
        self._next_candidate_ms = frame.start_ms - frame.start_ms % _CANDIDATES_EVERY_MS + _CANDIDATES_EVERY_MS
        return candidate(frame)

    def _settle(self, boundary: Boundary | None) -> None:
        if boundary is not None:
            self._close(boundary.frame, self._starts_ms[boundary.frame])
            self._begin = boundary
        held = self._waiting.popleft()[1]
        if held is not None:
            self._picker.offer(held)

    def _close(self, end_frame: int, end_ms: int) -> None:
        segment_id = f"shot-{len(self._shots) + 1:04}"
        keyframe = self._picker.take()
        if keyframe is not None:
            self._save(keyframe_name(segment_id), keyframe)
        self._shots.append(
            Shot(
                segment_id=segment_id,
                start_ms=self._starts_ms[self._begin.frame],
                end_ms=end_ms,
                start_frame=self._begin.frame,
                end_frame=end_frame,
                transition=self._begin.transition,
                confidence=self._begin.confidence,
                keyframe=keyframe_name(segment_id) if keyframe is not None else None,
            )
        )
