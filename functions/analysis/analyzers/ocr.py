"""RapidOCR (PP-OCR on ONNX Runtime) as the reader of on-screen text."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.text import Line
from functions.analysis.devices import Device, Placed, cuda_options, onnx_gpu
from functions.videos.domain.results import Box, ModelUsed

GPU_PART = 0.12
"""Of what a job may take of a GPU's memory."""


class RapidOcrReader:
    """Loads its models at construction. `detection_side` is the longer side at which text is looked for.

    That is done on a GPU where there is one. The lines are read on the processor: each has another width, for which
    ONNX Runtime would first look for the best way to convolve (11 s a page instead of 2 on an L4: docling issue 4167).
    """

    models = (ModelUsed(analyzer="text", model="PP-OCRv6-small", version="rapidocr-3.10.0"),)

    def __init__(self, detection_side: int, threads: int) -> None:
        from rapidocr import RapidOCR

        def load(device: Device) -> Any:
            gpu = onnx_gpu() if device is Device.GPU else None
            on_gpu = cuda_options(gpu, GPU_PART) if gpu else {}
            engine = RapidOCR(
                params={
                    "Det.limit_type": "max",
                    "Det.limit_side_len": detection_side,
                    "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                    "EngineConfig.onnxruntime.use_cuda": gpu is not None,
                    **{f"EngineConfig.onnxruntime.cuda_ep_cfg.{name}": value for name, value in on_gpu.items()},
                    # Several at once are made as wide as the widest: four lines then take a quarter longer, and a line
                    # is read a little otherwise beside a wider one.
                    "Rec.rec_batch_num": 1,
                    # Upside-down lines are rare on screen, and turning every line to look costs a third more.
                    "Global.use_cls": False,
                    "Global.log_level": "error",
                }
            )
            # The engine loads a model when it is first needed, as it is told to then.
            engine(np.zeros((72, 128, 3), dtype=np.uint8), use_det=True, use_cls=False, use_rec=False)
            engine.cfg.EngineConfig.onnxruntime.use_cuda = False
            engine(np.zeros((48, 96, 3), dtype=np.uint8), use_det=False, use_cls=False, use_rec=True)
            return engine

        self._engine: Placed[Any] = Placed(load, has_gpu=onnx_gpu() is not None)

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        found = self._engine.use(lambda engine: engine(picture, use_det=True, use_cls=False, use_rec=True))
        if not found.txts or found.boxes is None:
            return []
        height, width = picture.shape[:2]
        return [
            Line(text=text.strip(), score=float(score), box=_box(corners, width, height))
            for text, score, corners in zip(found.txts, found.scores, found.boxes, strict=True)
            if text.strip()
        ]

    def read_line(self, picture: NDArray[np.uint8]) -> str:
        found = self._engine.use(lambda engine: engine(picture, use_det=False, use_cls=False, use_rec=True))
        return str(found.txts[0]) if found.txts else ""


def _box(corners: NDArray[np.float32], width: int, height: int) -> Box:
    """The upright rectangle around the four corners of a line."""
    left, top = np.clip(corners.min(axis=0) / (width, height), 0, 1)
    right, bottom = np.clip(corners.max(axis=0) / (width, height), 0, 1)
    return Box(
        x=round(float(left), 4),
        y=round(float(top), 4),
        width=round(float(right - left), 4),
        height=round(float(bottom - top), 4),
    )
