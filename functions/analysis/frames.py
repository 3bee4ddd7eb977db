"""Decoded pictures, and what is made of them when it is asked for."""

import threading
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from av import VideoFrame
    from av.video.reformatter import VideoReformatter

_JUDGED_SIDE = 320
THUMBNAIL_WIDTH = 128
THUMBNAIL_HEIGHT = 72


class Scalers:
    """One scaler per rendering and thread.

    A scaler asked for another size than the last time sets itself up anew, and isn't safe for two threads at once.
    """

    def __init__(self) -> None:
        self._scalers: dict[tuple[int, int, int, str], VideoReformatter] = {}

    def scale(self, picture: "VideoFrame", width: int, height: int, pixel_format: str) -> "VideoFrame":
        from av.video.reformatter import VideoReformatter

        key = (threading.get_ident(), width, height, pixel_format)
        scaler = self._scalers.get(key)
        if scaler is None:
            scaler = self._scalers[key] = VideoReformatter()
        return scaler.reformat(
            picture, width=width, height=height, format=pixel_format, interpolation="AREA", threads=1
        )


class Frame:
    """A decoded picture; its renderings are made when asked for.

    `stamp_ms` is the time that the file gives it, where it gives one, counted from the video's first.
    """

    __slots__ = ("_picture", "_scalers", "_sharpness", "_thumbnail", "index", "stamp_ms", "start_ms")

    def __init__(
        self, index: int, start_ms: int, picture: "VideoFrame", scalers: Scalers, stamp_ms: float | None = None
    ) -> None:
        self.index = index
        self.start_ms = start_ms
        self.stamp_ms = stamp_ms
        self._picture = picture
        self._scalers = scalers
        self._thumbnail: NDArray[np.uint8] | None = None
        self._sharpness: float | None = None

    @property
    def sharpness(self) -> float:
        """The variance of the Laplacian (Pech-Pacheco et al., 2000) of the luma, with its longer side at most 320.

        Motion blur shows at that size but grain doesn't, and clips of different sizes compare.
        """
        if self._sharpness is None:
            import cv2

            grey = self._scaled(_JUDGED_SIDE, "gray")
            self._sharpness = float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1].item() ** 2)
        return self._sharpness

    @property
    def thumbnail(self) -> NDArray[np.uint8]:
        """The picture as planar YUV 4:2:0 of 128x72 (108 rows: luma, then chroma), whatever its shape."""
        if self._thumbnail is None:
            small = self._scalers.scale(self._picture, THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, "yuv420p")
            self._thumbnail = np.asarray(small.to_ndarray(), dtype=np.uint8)
        return self._thumbnail

    def small(self, width: int, height: int) -> NDArray[np.uint8]:
        """The picture as RGB of exactly this size, whatever its shape and whichever way it lies."""
        scaled = self._scalers.scale(self._picture, width, height, "rgb24")
        return np.asarray(scaled.to_ndarray(), dtype=np.uint8)

    def picture(self, max_side: int) -> NDArray[np.uint8]:
        """The upright picture as BGR, scaled down to `max_side` where it is larger."""
        pixels = self._scaled(max_side, "bgr24")
        # The display matrix counts anticlockwise, as rot90 does.
        return np.ascontiguousarray(np.rot90(pixels, k=round(self._picture.rotation / 90) % 4))

    def _scaled(self, max_side: int, pixel_format: str) -> NDArray[np.uint8]:
        picture = self._picture
        scale = min(1.0, max_side / max(picture.width, picture.height))
        # Even sizes: some pixel formats have no odd ones.
        width = max(2, round(picture.width * scale / 2) * 2)
        height = max(2, round(picture.height * scale / 2) * 2)
        return np.asarray(self._scalers.scale(picture, width, height, pixel_format).to_ndarray(), dtype=np.uint8)
