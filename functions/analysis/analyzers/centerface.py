"""CenterFace (Xu et al., https://arxiv.org/abs/1911.03599) as the detector of faces, turned and small ones too."""

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.centernet import OUTPUT_STRIDE, box_between, peaks, prepared
from functions.analysis.analyzers.tracking import Detection, without_repeats
from functions.analysis.converted import CENTERFACE, open_session
from functions.videos.domain.results import ModelUsed

FACE = "face"

_REPEATED = 0.3


class CenterFaceDetector:
    """Loads its model at construction. Who it is, it can't tell.

    The larger the pictures, the smaller the faces that it finds. A box goes from the hairline to the chin and from ear
    to ear, or to where a turned face ends.
    """

    models = (ModelUsed(analyzer="faces", model="centerface", version=CENTERFACE.package, licence=CENTERFACE.licence),)

    def __init__(self, threads: int, side: int) -> None:
        self.side = side
        self._session = open_session(CENTERFACE, threads)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        height, width = picture.shape[:2]
        heat, reach, shift = self._session.run(["heat", "reach", "shift"], {"pictures": prepared(picture)})
        found: list[Detection] = []
        for row, column, _ in peaks(heat[0]):
            half_height, half_width = np.exp(reach[0, row, column]) * (OUTPUT_STRIDE / 2)
            down, right = (np.array([row, column]) + shift[0, row, column] + 0.5) * OUTPUT_STRIDE
            found.append(
                Detection(
                    FACE,
                    round(float(heat[0, row, column, 0]), 3),
                    box_between(
                        (right - half_width) / width,
                        (down - half_height) / height,
                        (right + half_width) / width,
                        (down + half_height) / height,
                    ),
                )
            )
        return without_repeats(found, _REPEATED, _REPEATED)
