"""BlazeFace (Bazarevsky et al., https://arxiv.org/abs/1907.05047; its long-range version) as the detector of faces."""

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.centernet import box_between
from functions.analysis.analyzers.tracking import Detection, without_repeats
from functions.analysis.converted import BLAZEFACE, open_session
from functions.videos.domain.results import ModelUsed

FACE = "face"

_SIDE = 256
# Faces are looked for around the centres of two grids: cells per side, and tries per cell.
_GRIDS = ((16, 2), (8, 6))
_LEAST_SCORE = 0.5
_REPEATED = 0.3


class BlazeFaceDetector:
    """Loads its model at construction. Who it is, it can't tell."""

    side = _SIDE
    models = (
        ModelUsed(analyzer="faces", model="blazeface-back", version=BLAZEFACE.package, licence=BLAZEFACE.licence),
    )

    def __init__(self, threads: int) -> None:
        self._session = open_session(BLAZEFACE, threads)
        self._centres = np.concatenate([_centres(cells, tries) for cells, tries in _GRIDS])

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
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
        return without_repeats(found, _REPEATED, _REPEATED)


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
