"""The picture that stands for a shot: its sharpest."""

import numpy as np

from functions.analysis.decode import THUMBNAIL_HEIGHT, Frame

KEYFRAME_SIDE = 640
_JPEG_QUALITY = 82
# Sharpness is judged where motion blur shows but grain doesn't.
_JUDGED_SIDE = 320


class KeyframePicker:
    """Keeps the best of the frames offered since the last `take`."""

    def __init__(self) -> None:
        self._best: Frame | bytes | None = None
        self._best_score = -1.0

    def offer(self, frame: Frame) -> None:
        score = _sharpness(frame) * _exposure(frame)
        if score > self._best_score:
            self._best, self._best_score = frame, score

    def take(self) -> bytes | None:
        """The keyframe as JPEG, or None where nothing was offered."""
        best, self._best, self._best_score = self._best, None, -1.0
        return _jpeg(best) if isinstance(best, Frame) else best

    def __getstate__(self) -> dict[str, object]:
        # A shot may last for an hour, and its best picture be the first: whoever goes on needn't decode it again.
        best = _jpeg(self._best) if isinstance(self._best, Frame) else self._best
        return {"_best": best, "_best_score": self._best_score}


def _sharpness(frame: Frame) -> float:
    import cv2

    grey = cv2.cvtColor(frame.picture(_JUDGED_SIDE), cv2.COLOR_BGR2GRAY)
    return float(cv2.Laplacian(grey, cv2.CV_32F).var()) + 1.0


def _exposure(frame: Frame) -> float:
    """From 0 to 1: how much of the picture is neither drowned in black nor burnt to white."""
    luma = frame.thumbnail[:THUMBNAIL_HEIGHT]
    return float(np.mean((luma > 24) & (luma < 228))) + 0.01


def _jpeg(frame: Frame) -> bytes:
    import cv2

    written, encoded = cv2.imencode(".jpg", frame.picture(KEYFRAME_SIDE), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    if not written:
        raise RuntimeError("OpenCV could not encode a keyframe")
    return encoded.tobytes()
