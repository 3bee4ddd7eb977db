"""Where models run: on the GPU where there is one that they work on, else on the processor."""

from collections.abc import Callable
from enum import StrEnum
from importlib import import_module
from typing import TypeVar

from shared.observability.logger import log

Model = TypeVar("Model")


class Device(StrEnum):
    GPU = "cuda"
    CPU = "cpu"


def load_where_it_works(load: Callable[[Device], Model], *, has_gpu: bool) -> Model:
    """What `load` makes on the GPU, or on the processor where there is none, or `load` raises `RuntimeError`,
    `ValueError` or `OSError` there: a driver that is too old, a library that is missing, a card that knows no 16-bit
    floats.
    """
    if has_gpu:
        try:
            return load(Device.GPU)
        except (RuntimeError, ValueError, OSError) as error:
            log().warning("a model doesn't work on the GPU", extra={"cause": str(error)})
    return load(Device.CPU)


def onnx_providers() -> list[str]:
    """Of ONNX Runtime, the best first. It falls back to the processor by itself where CUDA can't be loaded."""
    available: list[str] = import_module("onnxruntime").get_available_providers()
    return [name for name in ("CUDAExecutionProvider", "CPUExecutionProvider") if name in available]
