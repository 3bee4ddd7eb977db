"""Thumbnails at regular times on a few large pictures, for the bar that one drags through a video."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Resumable, Watcher
from functions.analysis.frames import Frame
from functions.videos.domain.results import ModelUsed, SpriteThumbnail, sprite_sheet_name

_THUMBNAIL_SIDE = 160
_COLUMNS = 10
_ROWS = 10
_JPEG_QUALITY = 75
# A thumbnail a second up to this many of them; longer videos have them further apart.
_THUMBNAILS = 300
_SHORTEST_INTERVAL_MS = 1_000
_INTERVAL_OF_UNKNOWN_LENGTH_MS = 5_000


class SpriteAnalyzer(Watcher, Resumable):
    """Gives `save` each sheet's object name and JPEG as soon as it is full, so that one sheet is in memory at a time.

    All thumbnails have the size of the first; later pictures of another shape are fitted into it.
    """

    name = "sprite"
    features: frozenset[str] = frozenset()
    slow = False
    lent = frozenset({"_save"})
    models: tuple[ModelUsed, ...] = ()

    def __init__(self, announced_ms: int | None, save: Callable[[str, bytes], None]) -> None:
        self._save = save
        self._interval_ms = _INTERVAL_OF_UNKNOWN_LENGTH_MS
        if announced_ms is not None:
            self._interval_ms = max(_SHORTEST_INTERVAL_MS, announced_ms // _THUMBNAILS)
        self._next_ms = 0
        self._sheet: NDArray[np.uint8] | None = None
        self._size = (0, 0)
        self._sheets = 0
        self._thumbnails: list[SpriteThumbnail] = []

    def see(self, frame: Frame) -> None:
        if frame.start_ms < self._next_ms:
            return
        self._next_ms = frame.start_ms - frame.start_ms % self._interval_ms + self._interval_ms
        picture = frame.picture(_THUMBNAIL_SIDE)
        if not self._thumbnails:
            self._size = picture.shape[0], picture.shape[1]
        self._place(_fitted(picture, self._size), frame.start_ms)

    def finish(self, duration_ms: int) -> Findings:
        self._close_sheet()
        ends = [*(one.start_ms for one in self._thumbnails[1:]), duration_ms]
        shown = zip(self._thumbnails, ends, strict=True)
        return Findings(
            sprite=tuple(one.model_copy(update={"end_ms": end}) for one, end in shown if end > one.start_ms)
        )

    def _place(self, thumbnail: NDArray[np.uint8], start_ms: int) -> None:
        height, width = self._size
        position = len(self._thumbnails) % (_COLUMNS * _ROWS)
        if self._sheet is None:
            self._sheet = np.zeros((_ROWS * height, _COLUMNS * width, 3), dtype=np.uint8)
            self._sheets += 1
        row, column = divmod(position, _COLUMNS)
        top, left = row * height, column * width
        self._sheet[top : top + height, left : left + width] = thumbnail
        self._thumbnails.append(
            SpriteThumbnail(
                sheet=sprite_sheet_name(self._sheets),
                start_ms=start_ms,
                end_ms=start_ms,
                x=left,
                y=top,
                width=width,
                height=height,
            )
        )
        if position == _COLUMNS * _ROWS - 1:
            self._close_sheet()

    def _close_sheet(self) -> None:
        if self._sheet is None:
            return
        import cv2

        used = len(self._thumbnails) - (self._sheets - 1) * _COLUMNS * _ROWS
        rows, columns = -(-used // _COLUMNS), min(used, _COLUMNS)
        sheet = self._sheet[: rows * self._size[0], : columns * self._size[1]]
        written, encoded = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
        if not written:
            raise RuntimeError("OpenCV could not encode a sheet of thumbnails")
        self._save(sprite_sheet_name(self._sheets), encoded.tobytes())
        self._sheet = None


def _fitted(picture: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if picture.shape[:2] == size:
        return picture
    import cv2

    scale = min(size[0] / picture.shape[0], size[1] / picture.shape[1])
    height, width = max(1, round(picture.shape[0] * scale)), max(1, round(picture.shape[1] * scale))
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    fitted = np.zeros((*size, 3), dtype=np.uint8)
    fitted[top : top + height, left : left + width] = cv2.resize(picture, (width, height))
    return fitted
