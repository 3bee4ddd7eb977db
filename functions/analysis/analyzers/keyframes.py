"""The picture that stands for a shot: its sharpest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from functions.analysis.decode import THUMBNAIL_HEIGHT, Frame

KEYFRAME_SIDE = 640
_JPEG_QUALITY = 82
# Sharpness is judged where motion blur shows but grain doesn't.
_JUDGED_SIDE = 320


@dataclass(frozen=True, slots=True)
class Candidate:
    """A frame as a keyframe, and how good it is. It outlives its frame, which may be very large."""

    jpeg: bytes
    score: float


class KeyframePicker:
    """Keeps the best of the candidates offered since the last `take`."""

    def __init__(self) -> None:
        self._best: Candidate | None = None

    def offer(self, candidate: Candidate) -> None:
        if self._best is None or candidate.score > self._best.score:
            self._best = candidate

    def take(self) -> bytes | None:
        """The keyframe as JPEG, or None where nothing was offered."""
        best, self._best = self._best, None
        return None if best is None else best.jpeg


def candidate(frame: Frame) -> Candidate:
    picture = frame.picture(KEYFRAME_SIDE)
    return Candidate(_jpeg(picture), (sharpness(picture) + 1) * _exposure(frame))


def sharpness(picture: NDArray[np.uint8]) -> float:
    """The variance of the Laplacian (Pech-Pacheco et al., 2000) of a BGR picture, scaled down to a side of 320."""
    import cv2

    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    scale = _JUDGED_SIDE / max(grey.shape)
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var())


def _exposure(frame: Frame) -> float:
    """From 0 to 1: how much of the picture is neither drowned in black nor burnt to white."""
    luma = frame.thumbnail[:THUMBNAIL_HEIGHT]
    return float(np.mean((luma > 24) & (luma < 228))) + 0.01


def _jpeg(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    written, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:
        raise RuntimeError("OpenCV could not encode a keyframe")
    return encoded.tobytes()
