"""The picture that stands for a shot: its sharpest."""

import numpy as np
from numpy.typing import NDArray

from functions.analysis.frames import THUMBNAIL_HEIGHT, Frame

KEYFRAME_SIDE = 640
_JPEG_QUALITY = 82


class Candidate:
    """A frame as a keyframe, and how good it is. It outlives its frame, which may be very large.

    Few candidates are taken, so the JPEG is made when it is asked for. It is what a checkpoint keeps of the picture.
    """

    __slots__ = ("_jpeg", "_picture", "score")

    def __init__(self, picture: NDArray[np.uint8], score: float) -> None:
        self.score = score
        self._picture: NDArray[np.uint8] | None = picture
        self._jpeg = b""

    @property
    def jpeg(self) -> bytes:
        if self._picture is not None:
            self._jpeg, self._picture = _encoded(self._picture), None
        return self._jpeg

    def __getstate__(self) -> tuple[bytes, float]:
        return self.jpeg, self.score

    def __setstate__(self, state: tuple[bytes, float]) -> None:
        self._picture = None
        self._jpeg, self.score = state


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
    return Candidate(frame.picture(KEYFRAME_SIDE), (frame.sharpness + 1) * _exposure(frame))


def _exposure(frame: Frame) -> float:
    """From 0 to 1: how much of the picture is neither drowned in black nor burnt to white."""
    import cv2

    luma = frame.thumbnail[:THUMBNAIL_HEIGHT]
    return cv2.countNonZero(cv2.inRange(luma, (25,), (227,))) / luma.size + 0.01


def _encoded(picture: NDArray[np.uint8]) -> bytes:
    import cv2

    written, encoded = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:
        raise RuntimeError("OpenCV could not encode a keyframe")
    return encoded.tobytes()
