"""CenterNet (Zhou et al., https://arxiv.org/abs/1904.07850, on MobileNetV3) as the detector of COCO's 80 classes."""

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.tracking import CONTINUES, Detection, without_repeats
from functions.analysis.converted import CENTERNET, open_session
from functions.analysis.devices import samples_at_once
from functions.videos.domain.results import Box, ModelUsed

PERSON = "person"
# The order is the model's.
LABELS = (
    PERSON, "bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat", "traffic light",
    "fire hydrant", "stop sign", "parking meter", "bench", "bird", "cat", "dog", "horse", "sheep", "cow", "elephant",
    "bear", "zebra", "giraffe", "backpack", "umbrella", "handbag", "tie", "suitcase", "frisbee", "skis", "snowboard",
    "sports ball", "kite", "baseball bat", "baseball glove", "skateboard", "surfboard", "tennis racket", "bottle",
    "wine glass", "cup", "fork", "knife", "spoon", "bowl", "banana", "apple", "sandwich", "orange", "broccoli",
    "carrot", "hot dog", "pizza", "donut", "cake", "chair", "couch", "potted plant", "bed", "dining table", "toilet",
    "tv", "laptop", "mouse", "remote", "keyboard", "cell phone", "microwave", "oven", "toaster", "sink",
    "refrigerator", "book", "clock", "vase", "scissors", "teddy bear", "hair drier", "toothbrush",
)  # fmt: skip

OUTPUT_STRIDE = 4
"""The network sees every so many rows and columns of the picture in the end."""

# And in between.
_STRIDE = 32
_MOST = 100
_REPEATED = 0.5
# A car that is also a truck, in the same place, is the likelier of both.
_REPEATED_AS_OTHER = 0.8
# By which the process grows with each further picture at once, square ones, on the processor.
_SAMPLE_BYTES = 40 * 1024 * 1024


class CenterNetDetector:
    """Loads its model at construction. Finds the classes in `labels` alone."""

    side = 512
    models = (
        ModelUsed(
            analyzer="objects",
            model="centernet-mobilenetv3-coco80",
            version=CENTERNET.package,
            licence=CENTERNET.licence,
        ),
    )

    def __init__(self, labels: Collection[str], threads: int) -> None:
        self._session = open_session(CENTERNET, threads)
        self._wanted = np.array([label in labels for label in LABELS])

    @property
    def batch(self) -> int:
        # On the processor, several pictures at once take half as long again as one by one.
        return samples_at_once(self._session.device, _SAMPLE_BYTES, CENTERNET.gpu_part)

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        return self.detect_all([picture])[0]

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        height, width = pictures[0].shape[:2]
        batch = np.concatenate([prepared(picture) for picture in pictures])
        heat, reach = self._session.run(["heat", "reach"], {"pictures": batch})
        return [self._found(*one, width, height) for one in zip(heat, reach, strict=True)]

    def _found(self, heat: NDArray[np.float32], reach: NDArray[np.float32], width: int, height: int) -> list[Detection]:
        found: list[Detection] = []
        for row, column, label in peaks(heat * self._wanted):
            left, top, right, bottom = reach[row, column]
            found.append(
                Detection(
                    LABELS[label],
                    round(float(heat[row, column, label]), 3),
                    box_between(
                        (OUTPUT_STRIDE * column - left) / width,
                        (OUTPUT_STRIDE * row - top) / height,
                        (OUTPUT_STRIDE * column + right) / width,
                        (OUTPUT_STRIDE * row + bottom) / height,
                    ),
                )
            )
        return without_repeats(found, _REPEATED, _REPEATED_AS_OTHER)


def prepared(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """RGB, padded at the right and the bottom: the network halves its pictures five times."""
    height, width = picture.shape[:2]
    padded = np.zeros((1, -(-height // _STRIDE) * _STRIDE, -(-width // _STRIDE) * _STRIDE, 3), dtype=np.float32)
    padded[0, :height, :width] = picture[..., ::-1]
    return padded


def peaks(heat: NDArray[np.float32]) -> list[tuple[int, int, int]]:
    """Row, column and class of what no neighbour of its class is likelier than, the likeliest first."""
    found: list[tuple[float, int, int, int]] = []
    for row, column, label in np.argwhere(heat >= CONTINUES):
        around = heat[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2, label]
        if heat[row, column, label] >= around.max():
            found.append((float(heat[row, column, label]), int(row), int(column), int(label)))
    found.sort(reverse=True)
    return [(row, column, label) for _, row, column, label in found[:_MOST]]


def box_between(left: float, top: float, right: float, bottom: float) -> Box:
    """The box between four edges, cut off at those of the picture."""
    left, top = _within(left), _within(top)
    right, bottom = max(left, _within(right)), max(top, _within(bottom))
    return Box(x=round(left, 4), y=round(top, 4), width=round(right - left, 4), height=round(bottom - top, 4))


def _within(edge: float) -> float:
    return min(max(float(edge), 0.0), 1.0)
