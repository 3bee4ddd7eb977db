"""The expressions of faces, read by the classifier of Arriaga et al. (https://arxiv.org/abs/1710.07557). Experimental.

It was trained on posed and found pictures of 48 pixels, and is good at smiles alone.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.blazeface import BlazeFaceDetector, scaled
from functions.analysis.analyzers.tracking import Detection
from functions.analysis.converted import EMOTION, open_session
from functions.videos.domain.results import Box, ModelUsed

EXPRESSION = "expression"

# The order of the model's outputs, as in the package's own reading of it (`src/gear/emotion.ts` of @vladmandic/human).
EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")

_SIDE = 1280
# What the classifier sees; a smaller face would have to be made up.
_FACE_SIDE = 64
# How much more than the face's box it sees, as there.
_ENLARGED = 1.4


class ExpressionDetector:
    """Loads its models at construction. Finds the faces that BlazeFace does, of which small ones have no expression."""

    side = _SIDE
    models = (
        *(used.model_copy(update={"analyzer": "emotion"}) for used in BlazeFaceDetector.models),
        ModelUsed(analyzer="emotion", model="mini-xception-fer2013", version=EMOTION.package, licence=EMOTION.licence),
    )

    def __init__(self, threads: int) -> None:
        self._faces = BlazeFaceDetector(threads)
        self._session = open_session(EMOTION, threads)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        found = self._faces.detect(scaled(picture, self._faces.side))
        return [replace(face, label=EXPRESSION, expression=self._expression(picture, face.box)) for face in found]

    def _expression(self, picture: NDArray[np.uint8], box: Box) -> tuple[float, ...]:
        height, width = picture.shape[:2]
        if max(box.width * width, box.height * height) < _FACE_SIDE:
            return ()
        (shares,) = self._session.run(["emotions"], {"pictures": _prepared(_cut_out(picture, box))})
        return tuple(round(float(share), 4) for share in shares.reshape(-1))


def _cut_out(picture: NDArray[np.uint8], box: Box) -> NDArray[np.uint8]:
    """A square around the face; beyond the picture its edge goes on."""
    height, width = picture.shape[:2]
    middle_x, middle_y = (box.x + box.width / 2) * width, (box.y + box.height / 2) * height
    reach = _ENLARGED * max(box.width * width, box.height * height) / 2
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
