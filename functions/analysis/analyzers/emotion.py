"""The expressions of faces, read by the classifier of Arriaga et al. (https://arxiv.org/abs/1710.07557). Experimental.

It was trained on posed and found pictures of 48 pixels, and is good at smiles alone.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.centerface import CenterFaceDetector
from functions.analysis.analyzers.tracking import Detection
from functions.analysis.converted import EMOTION, open_session
from functions.videos.domain.results import Box, ModelUsed

EXPRESSION = "expression"

# The order of the model's outputs, as in the package's own reading of it (`src/gear/emotion.ts` of @vladmandic/human).
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

_SIDE = 1280
# What the classifier sees; a smaller face would have to be made up.
_FACE_SIDE = 64
# It is shown squares of 1.4 times the side of BlazeFace's, as there. Such a square has so much of the mean side of our
# box and lies lower by so much of its height: measured on 80 faces that both detectors find.
_ENLARGED = 1.4
_SQUARE = 0.915
_LOWER = 0.064


class ExpressionDetector:
    """Loads its models at construction. Finds the faces that CenterFace does; small ones have no expression."""

    side = _SIDE
    models = (
        *(used.model_copy(update={"analyzer": "emotion"}) for used in CenterFaceDetector.models),
        ModelUsed(analyzer="emotion", model="mini-xception-fer2013", version=EMOTION.package, licence=EMOTION.licence),
    )

    def __init__(self, threads: int, face_side: int) -> None:
        self._faces = CenterFaceDetector(threads, face_side)
        self._session = open_session(EMOTION, threads)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        found = self._faces.detect(_scaled(picture, self._faces.side))
        return [replace(face, label=EXPRESSION, expression=self._expression(picture, face.box)) for face in found]

    def _expression(self, picture: NDArray[np.uint8], box: Box) -> tuple[float, ...]:
        height, width = picture.shape[:2]
        side = _SQUARE * (box.width * width + box.height * height) / 2
        if side < _FACE_SIDE:
            return ()
        middle_x, middle_y = (box.x + box.width / 2) * width, (box.y + (0.5 + _LOWER) * box.height) * height
        face = _cut_out(picture, middle_x, middle_y, _ENLARGED * side / 2)
        (shares,) = self._session.run(["emotions"], {"pictures": _prepared(face)})
        return tuple(round(float(share), 4) for share in shares.reshape(-1))


def _scaled(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with its longer side as given, unless that is shorter."""
    import cv2

    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _cut_out(picture: NDArray[np.uint8], middle_x: float, middle_y: float, reach: float) -> NDArray[np.uint8]:
    """A square around the middle; beyond the picture its edge goes on."""
    height, width = picture.shape[:2]
    columns = np.arange(round(middle_x - reach), round(middle_x + reach)).clip(0, width - 1)
    rows = np.arange(round(middle_y - reach), round(middle_y + reach)).clip(0, height - 1)
    face: NDArray[np.uint8] = picture[rows[:, None], columns]
    return face


def _prepared(face: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Grey from -1 to 1, of the size that the classifier takes."""
    import cv2

    small = cv2.resize(face, (_FACE_SIDE, _FACE_SIDE), interpolation=cv2.INTER_LINEAR)
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY).astype(np.float32)
    return (grey / np.float32(127.5) - np.float32(1))[None, ..., None]
