"""Shots: where one continuous take ends and the next begins, by a hard cut or through a fade.

A cut is a frame that differs from the one before far more than the frames around it differ from their own
predecessors (the adaptive idea of PySceneDetect), and after which the old picture doesn't come back (flashes do).
A fade passes through a picture without contrast.
"""

from collections import deque
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np
from numpy.typing import NDArray

from functions.analysis.decode import THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH, Frame
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
    picture: NDArray[np.uint8]
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

    models = (ModelUsed(analyzer="shots", model="content-and-fade", version="2"),)

    def __init__(self, frame_rate: float) -> None:
        rate = frame_rate or 25.0
        self._flash = min(15, max(1, round(rate * _FLASH_SECONDS)))
        self._reach = min(15, max(2, round(rate * _NEIGHBOURHOOD_SECONDS)))
        self.lookahead = max(self._flash, self._reach)
        self._window: deque[_Observed] = deque(maxlen=2 * self.lookahead + 1)
        self._previous: NDArray[np.uint8] | None = None
        self._pushed = 0
        self._last_boundary = 0
        self._seen_content = False
        self._blank: _Blank | None = None

    def push(self, frame: Frame) -> Boundary | None:
        picture = frame.thumbnail
        difference = 0.0 if self._previous is None else _difference(self._previous, picture)
        self._previous = picture
        self._window.append(_Observed(picture, difference, contrast(picture)))
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
        if observed.difference < _LEAST_DIFFERENCE:
            return None
        differences = [entry.difference for entry in self._window]
        before = _level(differences[max(0, middle - self._reach) : middle])
        after = _level(differences[middle + 1 : middle + 1 + self._reach])
        level = max(before, after)
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
            _structure(old, new)[0] < _SAME_STRUCTURE
            and _structure(older, old)[0] >= _EXPLAINED_BY_MOTION
            and _structure(new, newer)[0] >= _EXPLAINED_BY_MOTION
        )

    def _is_flash(self, middle: int) -> bool:
        """Whether the picture before comes back soon, or the new one was there a moment ago."""
        old, new = self._window[middle - 1].picture, self._window[middle].picture
        limit = _RETURNED * self._window[middle].difference
        followers = islice(self._window, middle + 1, middle + 1 + self._flash)
        forerunners = islice(self._window, max(0, middle - 1 - self._flash), middle - 1)
        return any(_difference(old, entry.picture) < limit for entry in followers) or any(
            _difference(entry.picture, new) < limit for entry in forerunners
        )


def _of_different_takes(old: _Observed, new: _Observed, level: float) -> bool:
    if min(old.contrast, new.contrast) < EMPTY:
        return new.difference >= _LEAST_DIFFERENCE_OF_BLANK
    great = new.difference >= _GREAT_DIFFERENCE and level <= _CALM * new.difference
    structure, colours = _structure(old.picture, new.picture)
    recoloured = _distance(old.picture[THUMBNAIL_HEIGHT:], new.picture[THUMBNAIL_HEIGHT:]) >= _OTHER_COLOURS
    return structure < (_SURELY_SAME_STRUCTURE if great else _SAME_STRUCTURE) or (
        recoloured and colours < _SAME_COLOURS
    )


def _level(differences: list[float]) -> float:
    """The usual difference on one side of a candidate. The median: another cut, or a flash, may be near."""
    return median(differences) if differences else 0.0


def _difference(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> float:
    luma = _distance(old[:THUMBNAIL_HEIGHT], new[:THUMBNAIL_HEIGHT])
    # Chroma has a quarter of the samples of luma each and a narrower range, so it is counted twice.
    return luma + 2 * _distance(old[THUMBNAIL_HEIGHT:], new[THUMBNAIL_HEIGHT:])


def _distance(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> float:
    """The mean absolute difference of two planes."""
    import cv2

    return cv2.norm(old, new, cv2.NORM_L1) / old.size


def _structure(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> tuple[float, float]:
    """How well the luma correlates after the best shift of up to a quarter of the picture, and the chroma there.

    A whip pan is no cut.
    """
    old_planes, new_planes = _planes(old), _planes(new)
    height, width = old_planes[0].shape
    downs = np.arange(-(height // 4), height // 4 + 1, 3)
    rights = np.arange(-(width // 4), width // 4 + 1, 2)
    correlations = _shifted_correlations(old_planes[0], new_planes[0], downs, rights)
    row, column = divmod(int(correlations.argmax()), len(rights))
    down, right = int(downs[row]), int(rights[column])
    there = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    here = slice(max(0, -down), height + min(0, -down)), slice(max(0, -right), width + min(0, -right))
    colours = min(
        _correlation(old_plane[there], new_plane[here])
        for old_plane, new_plane in zip(old_planes[1:], new_planes[1:], strict=True)
    )
    return float(correlations[row, column]), colours


def _shifted_correlations(
    old: NDArray[np.uint8], new: NDArray[np.uint8], downs: NDArray[np.int_], rights: NDArray[np.int_]
) -> NDArray[np.float64]:
    """The correlation of what overlaps, for each shift of the new plane.

    All shifts at once: the products by way of the Fourier transform, the sums from integral images (as in Lewis, "Fast
    normalized cross-correlation", 1995). What is summed are integers, so the result is as exact as shift by shift.
    """
    height, width = old.shape
    padded = height + int(downs.max()), width + int(rights.max())
    spectrum = np.fft.rfft2(old, padded) * np.fft.rfft2(new, padded).conj()
    products = np.rint(np.fft.irfft2(spectrum, padded))[np.ix_(downs, rights)]
    old_sums, old_squares = _overlap_sums(old, downs, rights)
    new_sums, new_squares = _overlap_sums(new, -downs, -rights)
    count = np.outer(height - abs(downs), width - abs(rights))
    covariance = products - old_sums * new_sums / count
    spread = (old_squares - old_sums**2 / count) * (new_squares - new_sums**2 / count)
    return np.divide(covariance, np.sqrt(spread), out=np.zeros_like(covariance), where=spread > 0)


def _overlap_sums(
    plane: NDArray[np.uint8], downs: NDArray[np.int_], rights: NDArray[np.int_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The sums of the pixels, and of their squares, of the part of a plane that lies further down and right."""
    import cv2

    height, width = plane.shape
    top, bottom = np.maximum(0, downs), height + np.minimum(0, downs)
    left, right = np.maximum(0, rights), width + np.minimum(0, rights)
    sums, squares = (
        np.asarray(
            table[np.ix_(bottom, right)]
            - table[np.ix_(top, right)]
            - table[np.ix_(bottom, left)]
            + table[np.ix_(top, left)],
            dtype=np.float64,
        )
        for table in cv2.integral2(plane)
    )
    return sums, squares


def _planes(picture: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Luma and both chroma planes at the size of the chroma."""
    luma, chroma = picture[:THUMBNAIL_HEIGHT], picture[THUMBNAIL_HEIGHT:]
    blue, red = chroma.reshape(2, THUMBNAIL_HEIGHT // 2, THUMBNAIL_WIDTH // 2)
    return np.ascontiguousarray(luma[::2, ::2]), blue, red


def _correlation(plane: NDArray[np.uint8], other_plane: NDArray[np.uint8]) -> float:
    one, other = plane - plane.mean(), other_plane - other_plane.mean()
    spread = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / spread if spread else 0.0


def contrast(picture: NDArray[np.uint8]) -> float:
    """How far the pixels of a thumbnail deviate from their mean, in luma or chroma."""
    import cv2

    luma, chroma = picture[:THUMBNAIL_HEIGHT], picture[THUMBNAIL_HEIGHT:]
    blue, red = chroma[: THUMBNAIL_HEIGHT // 4], chroma[THUMBNAIL_HEIGHT // 4 :]
    return max(float(cv2.meanStdDev(plane)[1][0, 0]) for plane in (luma, blue, red))
