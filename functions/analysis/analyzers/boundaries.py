"""Shots: where one continuous take ends and the next begins, by a hard cut or through a fade.

A cut is a frame that differs from the one before far more than the frames around it differ from their own
predecessors (the adaptive idea of PySceneDetect), and after which the old picture doesn't come back (flashes do).
A fade passes through a picture without contrast.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice, product
from statistics import median

from functions.analysis.analyzers import likeness
from functions.analysis.analyzers.likeness import Thumbnail
from functions.analysis.frames import Frame
from functions.videos.domain.results import ModelUsed, Transition

# How far apart, in eight-bit steps a pixel, two frames must be at least to be of different takes: half of what two
# unrelated dim pictures differ by, and several times what film grain leaves in a thumbnail.
_LEAST_DIFFERENCE = 8.0
# To or from a picture without contrast there is no structure to compare, so the difference alone must convince.
_LEAST_DIFFERENCE_OF_BLANK = 24.0
# A cut stands out of its neighbourhood by at least this factor; steady pans and hand-held shaking stay below two.
_PROMINENCE = 2.5
# In the midst of quick motion a cut stands out less. There the motion must explain the frames around it, and not it.
_LEAST_DIFFERENCE_IN_MOTION = 24.0
_PROMINENCE_IN_MOTION = 1.3
_EXPLAINED_BY_MOTION = 0.8
# After a flash the old picture is back: nearer than this share of the difference that the flash made.
_RETURNED = 0.45
# A picture whose luma and chroma deviate by less is blank to the eye (of 219 steps), and by less than the other, empty.
# A dim picture may be as good as blank; a fade passes through an empty one.
_BLANK = 4.0
EMPTY = 2.0
# Frames about as empty as the emptiest of a fade differ from it by less.
_AS_EMPTY = 0.5
# Frames of one take correlate above this, if need be after a shift, whatever moves in them or lights them. Frames of
# different takes stay well below, save where both are set up alike: then colour must tell.
_SAME_STRUCTURE = 0.7
# After so great a change, out of such calm, it takes more to believe in one take: some shift or other often fits.
_SURELY_SAME_STRUCTURE = 0.85
_GREAT_DIFFERENCE = 40.0
_CALM = 0.1
_SAME_COLOURS = 0.5
_OTHER_COLOURS = 12.0
# Slides, pages and title cards differ by less when most of them is the same background. Where nothing moves before and
# after, that is enough if the details that there are, in so much of the picture at least, are mostly other ones.
_LEAST_DIFFERENCE_OF_STILLS = 2.0
_DETAILED_SHARE = 0.2
# What is laid over a picture (a caption, a window) leaves more than this share of the details.
_OVERLAID = 0.5

# A fade is found by a rule that it meets or doesn't; the figure says that such rules err now and then.
_FADE_CONFIDENCE = 0.9

_FLASH_SECONDS = 0.25
_NEIGHBOURHOOD_SECONDS = 0.35


@dataclass(frozen=True, slots=True)
class Boundary:
    """The first frame of a new shot."""

    frame: int
    transition: Transition
    confidence: float


@dataclass(frozen=True, slots=True)
class _Observed:
    picture: Thumbnail
    difference: float
    contrast: float


class _Blank:
    """Blank frames one after the other, of which the first and last that are emptiest are remembered."""

    def __init__(self, frame: int, contrast: float, *, gradual: bool) -> None:
        self.gradual = gradual
        self.contrast = contrast
        self._first = self._last = frame
        self._contrast_of_first = contrast

    def see(self, frame: int, contrast: float) -> None:
        if contrast < self._contrast_of_first - _AS_EMPTY:
            self._first, self._contrast_of_first = frame, contrast
        if contrast <= self.contrast + _AS_EMPTY:
            self._last = frame
        self.contrast = min(self.contrast, contrast)

    @property
    def middle(self) -> int:
        return (self._first + self._last + 1) // 2


class ShotDetector:
    """Takes frames in order and tells boundaries `lookahead` frames after they passed.

    `push` returns the boundary that is settled with the frame `lookahead` before the one given, if there is one: at
    that frame or, where it took so long to be sure (a fade), before it.
    """

    models = (ModelUsed(analyzer="shots", model="content-and-fade", version="3"),)

    def __init__(self, frame_rate: float) -> None:
        rate = frame_rate or 25.0
        self._flash = min(15, max(1, round(rate * _FLASH_SECONDS)))
        self._reach = min(15, max(2, round(rate * _NEIGHBOURHOOD_SECONDS)))
        self.lookahead = max(self._flash, self._reach)
        self._window: deque[_Observed] = deque(maxlen=2 * self.lookahead + 1)
        self._previous: Thumbnail | None = None
        self._pushed = 0
        self._last_boundary = 0
        self._seen_content = False
        self._blank: _Blank | None = None

    def push(self, frame: Frame) -> Boundary | None:
        picture = frame.thumbnail
        difference = 0.0 if self._previous is None else likeness.difference(self._previous, picture)
        self._previous = picture
        self._window.append(_Observed(picture, difference, likeness.contrast(picture)))
        self._pushed += 1
        return self._settle(self._pushed - 1 - self.lookahead)

    def finish(self) -> list[Boundary]:
        """The boundaries among the last frames, which have fewer frames after them to compare with."""
        first = max(0, self._pushed - self.lookahead)
        return [boundary for frame in range(first, self._pushed) if (boundary := self._settle(frame)) is not None]

    def _settle(self, frame: int) -> Boundary | None:
        if frame < 0:
            return None
        middle = frame - (self._pushed - len(self._window))
        observed = self._window[middle]
        threshold = self._jump(middle) if frame > 0 else None
        boundary = self._fade(frame, observed.contrast, threshold is not None)
        if threshold is not None and not self._is_flash(middle):
            confidence = observed.difference / (observed.difference + threshold)
            boundary = Boundary(frame, Transition.CUT, round(confidence, 3))
        if boundary is None or boundary.frame - self._last_boundary < self._flash:
            return None
        self._last_boundary = boundary.frame
        return boundary

    def _fade(self, frame: int, contrast: float, jump: bool) -> Boundary | None:
        """A boundary amid the emptiest of the blank frames, where the picture both left and came gradually."""
        if contrast < _BLANK:
            if self._blank is None or jump:
                self._blank = _Blank(frame, contrast, gradual=self._seen_content and not jump)
            else:
                self._blank.see(frame, contrast)
            return None
        blank, self._blank = self._blank, None
        self._seen_content = True
        if blank is None or jump or not blank.gradual or blank.contrast >= EMPTY:
            return None
        return Boundary(blank.middle, Transition.FADE, _FADE_CONFIDENCE)

    def _jump(self, middle: int) -> float | None:
        """The threshold that the difference to the frame before exceeds, where it is more than motion or light."""
        observed, previous = self._window[middle], self._window[middle - 1]
        if observed.difference < _LEAST_DIFFERENCE_OF_STILLS:
            return None
        differences = [entry.difference for entry in self._window]
        before = _level(differences[max(0, middle - self._reach) : middle])
        after = _level(differences[middle + 1 : middle + 1 + self._reach])
        level = max(before, after)
        if observed.difference < _LEAST_DIFFERENCE:
            is_turned = level <= _CALM * observed.difference and _is_another_page(previous.picture, observed.picture)
            return _LEAST_DIFFERENCE_OF_STILLS if is_turned else None
        threshold = max(_LEAST_DIFFERENCE, _PROMINENCE * level)
        if observed.difference >= threshold:
            return threshold if _of_different_takes(previous, observed, level) else None
        threshold = max(_LEAST_DIFFERENCE_IN_MOTION, _PROMINENCE_IN_MOTION * level)
        if observed.difference >= threshold and self._stands_out_of_motion(middle):
            return threshold
        return None

    def _stands_out_of_motion(self, middle: int) -> bool:
        if middle < 2 or middle + 1 >= len(self._window):
            return False
        if min(self._window[middle - 1].contrast, self._window[middle].contrast) < _BLANK:
            return False
        older, old, new, newer = (self._window[index].picture for index in range(middle - 2, middle + 2))
        return (
            likeness.structure(old, new).luma < _SAME_STRUCTURE
            and likeness.details(old, new).kept <= _OVERLAID
            and likeness.structure(older, old).luma >= _EXPLAINED_BY_MOTION
            and likeness.structure(new, newer).luma >= _EXPLAINED_BY_MOTION
        )

    def _is_flash(self, middle: int) -> bool:
        """Whether what was there a moment ago is there, or comes back soon."""
        limit = _RETURNED * self._window[middle].difference
        old = [entry.picture for entry in islice(self._window, max(0, middle - 1 - self._flash), middle)]
        new = [entry.picture for entry in islice(self._window, middle, middle + 1 + self._flash)]
        return any(likeness.difference(before, after) < limit for before, after in product(old, new))


def _of_different_takes(old: _Observed, new: _Observed, level: float) -> bool:
    if min(old.contrast, new.contrast) < EMPTY:
        return new.difference >= _LEAST_DIFFERENCE_OF_BLANK
    if likeness.details(old.picture, new.picture).kept > _OVERLAID:
        return False
    great = new.difference >= _GREAT_DIFFERENCE and level <= _CALM * new.difference
    structure = likeness.structure(old.picture, new.picture)
    recoloured = likeness.difference_of_chroma(old.picture, new.picture) >= _OTHER_COLOURS
    return structure.luma < (_SURELY_SAME_STRUCTURE if great else _SAME_STRUCTURE) or (
        recoloured and structure.chroma < _SAME_COLOURS
    )


def _is_another_page(old: Thumbnail, new: Thumbnail) -> bool:
    details = likeness.details(old, new)
    return details.share >= _DETAILED_SHARE and details.kept <= _OVERLAID


def _level(differences: list[float]) -> float:
    """The usual difference on one side of a candidate. The median: another cut, or a flash, may be near."""
    return median(differences) if differences else 0.0
