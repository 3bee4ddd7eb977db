"""Where models run: on the GPU where there is one that they work on, else on the processor.

The jobs of a machine share its GPU, so each keeps to its part of the memory, and each model to a part of that.
"""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from threading import Lock
from typing import Generic, TypeVar

import numpy as np

from shared.observability.logger import log

Model = TypeVar("Model")
Answer = TypeVar("Answer")
Options = dict[str, str | int]

_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_MEBIBYTE = 1024 * 1024
_ASKED_SECONDS = 20
# One `Identity` from `x` to `y`, a float each: what shows whether ONNX Runtime comes as far as the GPU and back.
SMALLEST_MODEL = bytes.fromhex(
    "08083a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a020801"
    "620f0a0179120a0a08080112040a02080142040a001011"
)
# Models are loaded by several threads, which look for the GPU once.
_looking = Lock()
# What is found waits for the last of them, and a checkpoint holds them meanwhile.
_MOST_AT_ONCE = 8
# What a model takes beside its samples: its weights, and what convolutions work in.
_KEPT_BYTES = 128 * _MEBIBYTE


class Device(StrEnum):
    GPU = "cuda"
    CPU = "cpu"


@dataclass(frozen=True, slots=True)
class Gpu:
    """`memory` is how many bytes of its memory this job may take."""

    memory: int


def usable_cores() -> int:
    """Of this process: no more than its job asked for (`JOB_VCPUS`). On a Batch machine it sees them all, the others'
    too, and threads that wait for each other would keep them busy.
    """
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(seen, int(os.environ.get("JOB_VCPUS", seen)))


class Placed(Generic[Model]):
    """A model on a device: on the GPU, where there is one and until something fails there, then on the processor.

    `load` makes it for a device. A driver may be too old, a library be missing, a card know no 16-bit floats, memory be
    short: whatever it is, it is logged, and what fails on the processor as well is raised.
    """

    def __init__(self, load: Callable[[Device], Model], *, has_gpu: bool) -> None:
        self.device = Device.CPU
        self._load = load
        if has_gpu:
            try:
                self._model = load(Device.GPU)
            except Exception as error:  # noqa: BLE001 - see above
                _doubt_gpu(error)
            else:
                self.device = Device.GPU
                return
        self._model = load(Device.CPU)

    def use(self, work: Callable[[Model], Answer]) -> Answer:
        if self.device is Device.GPU:
            try:
                return work(self._model)
            except Exception as error:  # noqa: BLE001 - see above
                _doubt_gpu(error)
            self.device = Device.CPU
            self._model = self._load(Device.CPU)
        return work(self._model)


def _doubt_gpu(error: Exception) -> None:
    log().warning("a model doesn't work on the GPU", extra={"cause": str(error)})


def find_gpu(ask: Callable[[], str], environ: Mapping[str, str]) -> Gpu | None:
    """The machine's first GPU. `ask` tells how many MiB are free on each, a line each, as `ask_driver` does, which is
    also where its errors are told; `GPU_MEMORY_MIB` is how many of them a job may take, all where nothing is said.
    """
    try:
        free = int(ask().split()[0])
    except FileNotFoundError:
        return None
    except (OSError, subprocess.SubprocessError, ValueError, IndexError) as error:
        log().warning("the GPU can't be asked for its memory", extra={"cause": str(error)})
        return None
    return Gpu(min(free, int(environ.get("GPU_MEMORY_MIB", free))) * _MEBIBYTE)


def ask_driver() -> str:
    """Raises `FileNotFoundError` where there is no driver of a GPU, `OSError` or `SubprocessError` where it fails."""
    command = ["nvidia-smi", "--query-gpu=memory.free", "--format=csv,noheader,nounits"]
    # A container has it from NVIDIA's runtime, wherever that puts it.
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=_ASKED_SECONDS).stdout  # noqa: S603


def onnx_gpu() -> Gpu | None:
    """The GPU that ONNX Runtime works on; looked for once. Why it doesn't work on one that is there, is logged."""
    with _looking:
        return _find_onnx_gpu()


@cache
def _find_onnx_gpu() -> Gpu | None:
    onnxruntime = import_module("onnxruntime")
    if _CUDA not in onnxruntime.get_available_providers():
        return None
    gpu = find_gpu(ask_driver, os.environ)
    return gpu if gpu is not None and _comes_as_far_as_the_gpu() else None


def onnx_providers(device: Device, part: float) -> list[tuple[str, Options]]:
    """Of ONNX Runtime, for a model that may take so large a part of the job's memory on the GPU; the best first."""
    gpu = onnx_gpu() if device is Device.GPU else None
    return ([(_CUDA, cuda_options(gpu, part))] if gpu else []) + [(_CPU, {})]


def cuda_options(gpu: Gpu, part: float) -> Options:
    return {
        "gpu_mem_limit": int(gpu.memory * part),
        # Else it takes twice as much each time that something is missing.
        "arena_extend_strategy": "kSameAsRequested",
        # Trying all algorithms takes seconds for each shape of input, of which there is another for a smaller batch.
        "cudnn_conv_algo_search": "HEURISTIC",
    }


def samples_at_once(device: Device, sample_bytes: int, part: float) -> int:
    """How many samples a model looks at in one go, which takes `sample_bytes` for each: one on the processor, and on
    the GPU what fits into the model's part of the memory.
    """
    gpu = onnx_gpu() if device is Device.GPU else None
    return samples_that_fit(int(gpu.memory * part), sample_bytes) if gpu else 1


def samples_that_fit(limit_bytes: int, sample_bytes: int) -> int:
    return min(max(1, (limit_bytes - _KEPT_BYTES) // sample_bytes), _MOST_AT_ONCE)


def _comes_as_far_as_the_gpu() -> bool:
    onnxruntime = import_module("onnxruntime")
    state = import_module("onnxruntime.capi.onnxruntime_pybind11_state")
    try:
        # Else it says on standard output that it goes on without the GPU.
        session = onnxruntime.InferenceSession(SMALLEST_MODEL, providers=[_CUDA], enable_fallback=0)
        if _CUDA not in session.get_providers():
            raise RuntimeError("its libraries can't be loaded")
        session.run(["y"], {"x": np.zeros(1, dtype=np.float32)})
    except (RuntimeError, state.EPFail, state.Fail, state.RuntimeException) as error:
        log().warning("ONNX Runtime doesn't work on the GPU", extra={"cause": str(error)})
        return False
    return True
