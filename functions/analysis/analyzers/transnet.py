"""Shots with a second opinion: what content and fades say, checked and completed by TransNetV2.

The network sees dissolves, which the rules don't, and takes no passers-by for cuts. The rules find cuts between takes
that are set up alike, and place cuts and fades to the frame. So a cut that the rules are unsure of and the network has
no idea of is dropped, and a change that the network is sure of is added where the rules found none.
"""

from array import array
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Resumable
from functions.analysis.analyzers.boundaries import EMPTY, Boundary, ShotDetector
from functions.analysis.analyzers.likeness import contrast
from functions.analysis.converted import TRANSNET, open_session
from functions.analysis.frames import Frame
from functions.videos.domain.results import ModelUsed, Transition

WINDOW = 100
_HEIGHT, _WIDTH = 27, 48
# The network knows what it needs to of a frame when it sees a quarter of the window before and after it.
_MARGIN = 25
_STEP = WINDOW - 2 * _MARGIN

# The rules' cuts below this confidence need the network to have at least an inkling.
_SURE = 0.6
_INKLING = 0.1
_AROUND = 4
# The network's changes: surely one, and surely gradual or abrupt in the frames around it.
_CHANGES = 0.6
_PART_OF_CHANGE = 0.9
_GRADUAL_FRAMES = 4
# What the network makes of the ramps of a fade is that fade; what it makes of a cut lies within some frames of it.
_FADE_SECONDS = 1.0
_CUT_SECONDS = 0.4


class ChangeNetwork(Protocol):
    def probabilities(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """For each of 100 frames (27 rows of 48 RGB pixels each), that the next begins a shot, and that it changes."""
        ...


class TransNet:
    """Loads its model at construction. A window is a batch of 100 pictures already, so windows go one by one."""

    def __init__(self, threads: int) -> None:
        self._session = open_session(TRANSNET, threads)

    def probabilities(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        one_hot, many_hot = self._session.run(["one_hot", "many_hot"], {"frames": frames[None]})
        return one_hot[0], many_hot[0]


class CheckedShotDetector(Resumable):
    """As `ShotDetector`, with a longer `lookahead`."""

    lent = frozenset({"_network"})
    models = (
        *ShotDetector.models,
        ModelUsed(analyzer="shots", model="transnetv2", version=TRANSNET.package, licence=TRANSNET.licence),
    )

    def __init__(self, frame_rate: float, network: ChangeNetwork) -> None:
        rate = frame_rate or 25.0
        self._rules = ShotDetector(frame_rate)
        self._network = network
        self._fade_frames = min(60, round(rate * _FADE_SECONDS))
        self._cut_frames = min(60, max(_AROUND, round(rate * _CUT_SECONDS)))
        self.lookahead = WINDOW - _MARGIN + max(self._fade_frames, self._rules.lookahead)
        self._pictures: list[NDArray[np.uint8]] = []
        self._changes = array("f")
        self._changing = array("f")
        self._empty = bytearray()
        self._found: list[Boundary] = []
        self._pushed = 0
        self._last = 0

    def push(self, frame: Frame) -> Boundary | None:
        self._note(self._rules.push(frame))
        self._empty.append(contrast(frame.thumbnail) < EMPTY)
        picture = frame.small(_WIDTH, _HEIGHT)
        self._pictures += [picture] * (1 + (_MARGIN if self._pushed == 0 else 0))
        self._pushed += 1
        if len(self._pictures) == WINDOW:
            self._look()
        return self._settle(self._pushed - 1 - self.lookahead)

    def finish(self) -> list[Boundary]:
        self._found += self._rules.finish()
        while len(self._changes) < self._pushed:
            self._pictures += [self._pictures[-1]] * (WINDOW - len(self._pictures))
            self._look()
        first = max(0, self._pushed - self.lookahead)
        return [boundary for frame in range(first, self._pushed) if (boundary := self._settle(frame)) is not None]

    def _note(self, boundary: Boundary | None) -> None:
        if boundary is not None:
            self._found.append(boundary)

    def _look(self) -> None:
        changes, changing = self._network.probabilities(np.stack(self._pictures))
        self._changes.extend(changes[_MARGIN:-_MARGIN].tolist())
        self._changing.extend(changing[_MARGIN:-_MARGIN].tolist())
        self._pictures = self._pictures[_STEP:]

    def _settle(self, frame: int) -> Boundary | None:
        if frame <= 0:
            return None
        due = [boundary for boundary in self._found if boundary.frame <= frame]
        self._found = [boundary for boundary in self._found if boundary.frame > frame]
        for boundary in due:
            if boundary.frame > self._last and not self._is_refuted(boundary):
                self._last = boundary.frame
                return boundary
        if self._changes[frame - 1] >= _CHANGES and self._is_missed(frame):
            self._last = frame
            return self._told_by_network(frame)
        return None

    def _is_refuted(self, boundary: Boundary) -> bool:
        if boundary.transition is not Transition.CUT or boundary.confidence >= _SURE:
            return False
        around = slice(max(0, boundary.frame - _AROUND), boundary.frame + _AROUND)
        return max(*self._changes[around], *self._changing[around]) < _INKLING

    def _is_missed(self, frame: int) -> bool:
        """Whether the change between this frame and the one before is the most likely one nearby, and the only one."""
        before = frame - 1
        around = slice(max(0, before - self._cut_frames), before + self._cut_frames + 1)
        if self._changes[before] < max(self._changes[around]):
            return False
        if max(self._changing[max(0, before - _AROUND) : before + _AROUND]) < _PART_OF_CHANGE:
            return False
        if any(self._empty[max(0, frame - self._fade_frames) : frame + self._fade_frames]):
            return False
        if frame - self._last < self._cut_frames:
            return False
        return all(
            boundary.frame - frame > (self._fade_frames if boundary.transition is Transition.FADE else self._cut_frames)
            or self._is_refuted(boundary)
            for boundary in self._found
        )

    def _told_by_network(self, frame: int) -> Boundary:
        first = last = frame - 1
        while first > 0 and self._changing[first - 1] >= 0.5:
            first -= 1
        while last + 1 < len(self._changing) and self._changing[last + 1] >= 0.5:
            last += 1
        gradual = last - first >= _GRADUAL_FRAMES
        transition = Transition.DISSOLVE if gradual else Transition.CUT
        return Boundary(frame, transition, round(self._changes[frame - 1], 3))
