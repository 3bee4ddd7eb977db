"""How alike two thumbnails are: in brightness and colour, in structure, in details.

A thumbnail is planar YUV 4:2:0, as `Frame.thumbnail` gives it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.analysis.frames import THUMBNAIL_HEIGHT, THUMBNAIL_WIDTH

# Rows and columns of bars are no brighter than this (black is 16), and plain but for compression and some grain.
_BLACK = 24.0
_PLAIN = 4.0
# A picture is judged by squares of so many pixels of the thumbnail. Those whose luma deviates by more show a detail.
_SQUARE = 8
_DETAIL = 6.0
# A detail is kept where what changed deviates by less than this share of what it does itself.
_KEPT_DETAIL = 0.5

Thumbnail = NDArray[np.uint8]
_Planes = tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]


def contrast(picture: Thumbnail) -> float:
    """How far the pixels of a thumbnail deviate from their mean, in luma or chroma."""
    import cv2

    luma, chroma = picture[:THUMBNAIL_HEIGHT], picture[THUMBNAIL_HEIGHT:]
    blue, red = chroma[: THUMBNAIL_HEIGHT // 4], chroma[THUMBNAIL_HEIGHT // 4 :]
    return max(float(cv2.meanStdDev(plane)[1][0, 0]) for plane in (luma, blue, red))


def difference(old: Thumbnail, new: Thumbnail) -> float:
    """In eight-bit steps a pixel."""
    luma = _distance(old[:THUMBNAIL_HEIGHT], new[:THUMBNAIL_HEIGHT])
    # Chroma has a quarter of the samples of luma each and a narrower range, so it is counted twice.
    return luma + 2 * difference_of_chroma(old, new)


def difference_of_chroma(old: Thumbnail, new: Thumbnail) -> float:
    return _distance(old[THUMBNAIL_HEIGHT:], new[THUMBNAIL_HEIGHT:])


@dataclass(frozen=True, slots=True)
class Details:
    """The share of the picture that shows any, before or after, and the share of those that are the same in both."""

    share: float
    kept: float


def details(old: Thumbnail, new: Thumbnail) -> Details:
    old_luma, new_luma = (picture[:THUMBNAIL_HEIGHT].astype(np.float32) for picture in (old, new))
    deviation = np.maximum(_deviations(old_luma), _deviations(new_luma))
    detailed = deviation > _DETAIL
    kept = detailed & (_deviations(new_luma - old_luma) < _KEPT_DETAIL * deviation)
    count = int(detailed.sum())
    return Details(share=count / detailed.size, kept=int(kept.sum()) / count if count else 0.0)


def _deviations(luma: NDArray[np.float32]) -> NDArray[np.float32]:
    """The standard deviation of each square."""
    down, right = luma.shape[0] // _SQUARE, luma.shape[1] // _SQUARE
    return np.asarray(luma.reshape(down, _SQUARE, right, _SQUARE).std(axis=(1, 3)), dtype=np.float32)


def _distance(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> float:
    """The mean absolute difference of two planes."""
    import cv2

    return cv2.norm(old, new, cv2.NORM_L1) / old.size


@dataclass(frozen=True, slots=True)
class Structure:
    """How well two pictures correlate, from -1 to 1, after the shift at which their luma does best."""

    luma: float
    chroma: float


def structure(old: Thumbnail, new: Thumbnail) -> Structure:
    """Shifts of up to a quarter of the picture are tried: a whip pan leaves the structure what it is."""
    old_planes, new_planes = _within_bars(_planes(old), _planes(new))
    height, width = old_planes[0].shape
    downs = 3 * np.arange(-(height // 12), height // 12 + 1)
    rights = 2 * np.arange(-(width // 8), width // 8 + 1)
    correlations = _shifted_correlations(old_planes[0], new_planes[0], downs, rights)
    row, column = divmod(int(correlations.argmax()), len(rights))
    down, right = int(downs[row]), int(rights[column])
    there = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    here = slice(max(0, -down), height + min(0, -down)), slice(max(0, -right), width + min(0, -right))
    chroma = min(
        _correlation(old_plane[there], new_plane[here])
        for old_plane, new_plane in zip(old_planes[1:], new_planes[1:], strict=True)
    )
    return Structure(float(correlations[row, column]), chroma)


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
    old_spread, new_spread = old_squares - old_sums**2 / count, new_squares - new_sums**2 / count
    # Integers that aren't all the same spread by a half at least; less is rounding.
    uneven = (old_spread >= 0.5) & (new_spread >= 0.5)
    spread = np.sqrt(np.where(uneven, old_spread * new_spread, 1.0))
    return np.where(uneven, covariance / spread, 0.0)


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
        for table in cv2.integral2(np.ascontiguousarray(plane))
    )
    return sums, squares


def _within_bars(old: _Planes, new: _Planes) -> tuple[_Planes, _Planes]:
    """Without the black rows and columns at the edges of both: bars beside two pictures make them no more alike."""
    columns, rows = (np.flatnonzero(~(_is_bar(old[0], axis) & _is_bar(new[0], axis))) for axis in (0, 1))
    if not len(rows) or not len(columns):
        return old, new
    inner = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return (old[0][inner], old[1][inner], old[2][inner]), (new[0][inner], new[1][inner], new[2][inner])


def _is_bar(luma: NDArray[np.uint8], axis: int) -> NDArray[np.bool_]:
    return np.asarray((luma.mean(axis=axis) <= _BLACK) & (luma.std(axis=axis) <= _PLAIN))


def _planes(picture: Thumbnail) -> _Planes:
    """Luma and both chroma planes at the size of the chroma."""
    luma, chroma = picture[:THUMBNAIL_HEIGHT], picture[THUMBNAIL_HEIGHT:]
    blue, red = chroma.reshape(2, THUMBNAIL_HEIGHT // 2, THUMBNAIL_WIDTH // 2)
    return luma[::2, ::2], blue, red


def _correlation(plane: NDArray[np.uint8], other_plane: NDArray[np.uint8]) -> float:
    one, other = plane - plane.mean(), other_plane - other_plane.mean()
    spread = float(np.sqrt((one * one).sum() * (other * other).sum()))
    return float((one * other).sum()) / spread if spread else 0.0
