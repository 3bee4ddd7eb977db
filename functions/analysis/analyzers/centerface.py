"""CenterFace (Xu et al., https://arxiv.org/abs/1911.03599) as the detector of faces, turned and small ones too."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.centernet import OUTPUT_STRIDE, box_between, peaks, prepared
from functions.analysis.analyzers.tracking import Detection, without_repeats
from functions.analysis.converted import CENTERFACE, open_session
from functions.analysis.devices import samples_at_once
from functions.videos.domain.results import ModelUsed

FACE = "face"

_REPEATED = 0.3
# By which the process grows with each further picture at once, on the processor.
_BYTES_A_PIXEL = 200


class CenterFaceDetector:
    """Loads its model at construction. Who it is, it can't tell.

    The larger the pictures, the smaller the faces that it finds. A box goes from the hairline to the chin and from ear
    to ear, or to where a turned face ends.
    """

    models = (ModelUsed(analyzer="faces", model="centerface", version=CENTERFACE.package, licence=CENTERFACE.licence),)

    def __init__(self, threads: int, side: int) -> None:
        self.side = side
        self._session = open_session(CENTERFACE, threads)

    @property
    def batch(self) -> int:
        return samples_at_once(self._session.device, _BYTES_A_PIXEL * self.side**2, CENTERFACE.gpu_part)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        return self.detect_all([picture])[0]

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        height, width = pictures[0].shape[:2]
        batch = np.concatenate([prepared(picture) for picture in pictures])
        heat, reach, shift = self._session.run(["heat", "reach", "shift"], {"pictures": batch})
        return [_found(*one, width, height) for one in zip(heat, reach, shift, strict=True)]


def _found(
    heat: NDArray[np.float32], reach: NDArray[np.float32], shift: NDArray[np.float32], width: int, height: int
) -> list[Detection]:
    found: list[Detection] = []
    for row, column, _ in peaks(heat):
        half_height, half_width = np.exp(reach[row, column]) * (OUTPUT_STRIDE / 2)
        down, right = (np.array([row, column]) + shift[row, column] + 0.5) * OUTPUT_STRIDE
        found.append(
            Detection(
                FACE,
                round(float(heat[row, column, 0]), 3),
                box_between(
                    (right - half_width) / width,
                    (down - half_height) / height,
                    (right + half_width) / width,
                    (down + half_height) / height,
                ),
            )
        )
    return without_repeats(found, _REPEATED, _REPEATED)
