"""BlazeFace (Bazarevsky et al., https://arxiv.org/abs/1907.05047; its long-range version) as the detector of faces."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.centernet import box_between
from functions.analysis.analyzers.tracking import Detection, without_repeats
from functions.analysis.converted import BLAZEFACE, open_session
from functions.videos.domain.results import Box, ModelUsed

FACE = "face"

_SIDE = 256
# Faces are looked for around the centres of two grids: cells per side, and tries per cell.
_GRIDS = ((16, 2), (8, 6))
_LEAST_SCORE = 0.5
_REPEATED = 0.3
# What is nearer to the inner edge of a part than this share of it, is seen whole in the part beside it.
_CUT_OFF = 0.02
# How much of a side the next part sees again: faces that are larger are found in the whole picture.
_SEEN_AGAIN = 0.2


class BlazeFaceDetector:
    """Loads its model at construction. Who it is, it can't tell.

    It looks at the whole picture, and where that is far from square at square parts of it as well, in which small
    faces are larger (as Akyon et al. slice pictures, https://arxiv.org/abs/2202.06934).
    """

    side = 2 * _SIDE
    models = (
        ModelUsed(analyzer="faces", model="blazeface-back", version=BLAZEFACE.package, licence=BLAZEFACE.licence),
    )

    def __init__(self, threads: int) -> None:
        self._session = open_session(BLAZEFACE, threads)
        self._centres = np.concatenate([_centres(cells, tries) for cells, tries in _GRIDS])

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        height, width = picture.shape[:2]
        found = self._look(picture)
        for part in _parts(width, height):
            for face in self._look(picture[part.top : part.top + part.side, part.left : part.left + part.side]):
                if not _is_cut_off(face.box, part, width, height):
                    found.append(replace(face, box=_in_whole(face.box, part, width, height)))
        return without_repeats(found, _REPEATED, _REPEATED)

    def _look(self, picture: NDArray[np.uint8]) -> list[Detection]:
        picture = scaled(picture, _SIDE)
        height, width = picture.shape[:2]
        fine, coarse, fine_boxes, coarse_boxes = self._session.run(
            ["fine_scores", "coarse_scores", "fine_boxes", "coarse_boxes"], {"pictures": _prepared(picture)}
        )
        with np.errstate(over="ignore"):
            scores = 1 / (1 + np.exp(-np.concatenate([fine[0, :, 0], coarse[0, :, 0]])))
        boxes = np.concatenate([fine_boxes[0], coarse_boxes[0]])
        found: list[Detection] = []
        for number in np.nonzero(scores >= _LEAST_SCORE)[0]:
            across, down, box_width, box_height = boxes[number, :4]
            middle_x, middle_y = self._centres[number] * _SIDE + (across, down)
            found.append(
                Detection(
                    FACE,
                    round(float(scores[number]), 3),
                    box_between(
                        (middle_x - box_width / 2) / width,
                        (middle_y - box_height / 2) / height,
                        (middle_x + box_width / 2) / width,
                        (middle_y + box_height / 2) / height,
                    ),
                )
            )
        return found


@dataclass(frozen=True, slots=True)
class _Part:
    """A square of the picture, in pixels."""

    left: int
    top: int
    side: int


def _parts(width: int, height: int) -> list[_Part]:
    """Squares side by side, or one below the other, that together are the picture; none of one that is about square."""
    side, length = sorted((width, height))
    if length < side * (1 + _SEEN_AGAIN):
        return []
    number = 1 + math.ceil((length - side) / (side * (1 - _SEEN_AGAIN)))
    starts = [round((length - side) * index / (number - 1)) for index in range(number)]
    return [_Part(start, 0, side) if width > height else _Part(0, start, side) for start in starts]


def _is_cut_off(box: Box, part: _Part, width: int, height: int) -> bool:
    return (
        (part.left > 0 and box.x < _CUT_OFF)
        or (part.top > 0 and box.y < _CUT_OFF)
        or (part.left + part.side < width and box.x + box.width > 1 - _CUT_OFF)
        or (part.top + part.side < height and box.y + box.height > 1 - _CUT_OFF)
    )


def _in_whole(box: Box, part: _Part, width: int, height: int) -> Box:
    left, top = (part.left + box.x * part.side) / width, (part.top + box.y * part.side) / height
    return box_between(left, top, left + box.width * part.side / width, top + box.height * part.side / height)


def scaled(picture: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """The picture with its longer side as given, unless that is shorter."""
    import cv2

    scale = side / max(picture.shape[:2])
    if scale >= 1:
        return picture
    height, width = (max(1, round(length * scale)) for length in picture.shape[:2])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _prepared(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """RGB from -1 to 1, padded at the right and the bottom."""
    height, width = picture.shape[:2]
    padded = np.full((1, _SIDE, _SIDE, 3), -1.0, dtype=np.float32)
    padded[0, :height, :width] = picture[..., ::-1] / np.float32(127.5) - 1
    return padded


def _centres(cells: int, tries: int) -> NDArray[np.float32]:
    middles = ((np.arange(cells) + 0.5) / cells).astype(np.float32)
    down, across = np.meshgrid(middles, middles, indexing="ij")
    return np.repeat(np.stack([across.ravel(), down.ravel()], axis=1), tries, axis=0)
