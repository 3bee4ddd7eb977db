"""The choice between the GPU and the processor, and what a job takes of a GPU that it shares."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from onnx import TensorProto, helper

from functions.analysis import converted
from functions.analysis.analyzers.ocr import GPU_PART
from functions.analysis.converted import ConvertedModel
from functions.analysis.devices import (
    SMALLEST_MODEL,
    Device,
    Gpu,
    Placed,
    ask_driver,
    cuda_options,
    find_gpu,
    onnx_providers,
    samples_that_fit,
    usable_cores,
)

MIB = 1024 * 1024


def driver(folder: Path, answer: str) -> Path:
    """A folder with an `nvidia-smi` that does no more than this."""
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\n{answer}\n")
    command.chmod(0o755)
    return folder


class Flaky:
    """A model that works so many times on the GPU, of which loading is the first."""

    def __init__(self, device: Device, works: int) -> None:
        self._device = device
        self._left = works
        self.work()

    def work(self) -> Device:
        if self._device is Device.GPU:
            self._left -= 1
            if self._left < 0:
                raise OutOfMemory("Available memory is smaller than requested")
        return self._device


class OutOfMemory(Exception):
    """As ONNX Runtime's errors, which are of no common kind."""


@pytest.mark.parametrize(
    ("has_gpu", "works", "used"),
    [
        (False, 9, [Device.CPU, Device.CPU, Device.CPU]),
        (True, 9, [Device.GPU, Device.GPU, Device.GPU]),
        (True, 2, [Device.GPU, Device.CPU, Device.CPU]),
        (True, 0, [Device.CPU, Device.CPU, Device.CPU]),
    ],
)
def test_a_model_runs_on_the_gpu_until_it_fails_there(has_gpu: bool, works: int, used: list[Device]) -> None:
    model = Placed(lambda device: Flaky(device, works), has_gpu=has_gpu)
    assert [model.use(Flaky.work) for _ in used] == used
    assert model.device == used[-1]


def test_what_doesnt_work_on_the_processor_either_is_told() -> None:
    def load(device: Device) -> Device:
        raise OutOfMemory(f"broken on {device}")

    def work(device: Device) -> None:
        raise ValueError(f"no picture for {device}")

    with pytest.raises(OutOfMemory, match="broken on cpu"):
        Placed(load, has_gpu=True)
    with pytest.raises(ValueError, match="no picture for cpu"):
        Placed(lambda device: device, has_gpu=True).use(work)


def test_models_can_always_run_on_the_processor() -> None:
    assert [onnx_providers(device, 0.1)[-1][0] for device in Device] == ["CPUExecutionProvider"] * 2


@pytest.mark.parametrize(
    ("answer", "environ", "mebibytes"),
    [
        ("15360\n", {"GPU_MEMORY_MIB": "3500"}, 3500),
        ("2048\n", {"GPU_MEMORY_MIB": "3500"}, 2048),
        ("15360\n", {}, 15360),
        ("9000\n24000\n", {}, 9000),
    ],
)
def test_a_job_takes_its_part_of_the_first_gpu_or_what_is_free(
    answer: str, environ: Mapping[str, str], mebibytes: int
) -> None:
    assert find_gpu(lambda: answer, environ) == Gpu(mebibytes * MIB)


def test_without_a_driver_there_is_no_gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_gpu(ask_driver, {}) is None


@pytest.mark.parametrize("answer", ["exit 9", "echo No devices were found", "echo '[N/A]'", "true"])
def test_a_gpu_that_can_not_be_asked_is_none(
    answer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PATH", str(driver(tmp_path, answer)))
    logger = logging.getLogger("visionscope")
    logger.addHandler(caplog.handler)
    assert find_gpu(ask_driver, {}) is None
    logger.removeHandler(caplog.handler)
    assert [record.getMessage() for record in caplog.records] == ["the GPU can't be asked for its memory"]


def test_a_gpu_that_onnx_runtime_does_not_work_on_is_told_of_once(tmp_path: Path) -> None:
    """Here no GPU works. The wheel for processors doesn't even try; the one for GPUs looks for CUDA's libraries."""
    script = (
        "import json, onnxruntime\n"
        "from functions.analysis.devices import SMALLEST_MODEL, Device, onnx_providers\n"
        "wanted = [onnx_providers(Device.GPU, 0.1) for _ in range(3)]\n"
        "used = [onnxruntime.InferenceSession(SMALLEST_MODEL, providers=one).get_providers() for one in wanted]\n"
        "print(json.dumps([used, 'CUDAExecutionProvider' in onnxruntime.get_available_providers()]))"
    )
    environ = {**os.environ, "PATH": str(driver(tmp_path, "echo 15000"))}
    done = subprocess.run([sys.executable, "-c", script], env=environ, capture_output=True, text=True, check=True)
    *logged, told = map(json.loads, done.stdout.splitlines())
    used, has_cuda = told
    assert used == [["CPUExecutionProvider"]] * 3
    assert [line["message"] for line in logged] == ["ONNX Runtime doesn't work on the GPU"] * has_cuda


def test_the_smallest_model_gives_back_what_it_is_given() -> None:
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node("Identity", ["x"], ["y"])], "g", ends[:1], ends[1:])
    model = helper.make_model(graph, ir_version=8, opset_imports=[helper.make_opsetid("", 17)])
    assert model.SerializeToString(deterministic=True) == SMALLEST_MODEL


def test_all_models_of_a_job_leave_a_quarter_of_its_memory_to_cuda_and_whisper() -> None:
    models = [one for one in vars(converted).values() if isinstance(one, ConvertedModel)]
    # The detector of expressions has one of faces to itself, with as much as a model has that says nothing.
    faces = ConvertedModel("", "", "", "")
    assert sum(model.gpu_part for model in [*models, faces]) + GPU_PART <= 0.75


def test_a_model_keeps_to_its_part_of_the_jobs_memory() -> None:
    assert cuda_options(Gpu(2000 * MIB), 0.15)["gpu_mem_limit"] == 300 * MIB


@pytest.mark.parametrize(
    ("limit_mib", "samples"), [(64, 1), (128, 1), (168, 1), (208, 2), (330, 5), (448, 8), (5000, 8)]
)
def test_as_many_samples_go_at_once_as_fit(limit_mib: int, samples: int) -> None:
    assert samples_that_fit(limit_mib * MIB, 40 * MIB) == samples


@pytest.mark.parametrize(("asked_for", "used"), [("1", 1), ("4", 4), ("64", 8)])
def test_a_job_uses_the_processors_that_it_asked_for_of_those_there_are(
    asked_for: str, used: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: set(range(8)), raising=False)
    assert usable_cores() == 8
    monkeypatch.setenv("JOB_VCPUS", asked_for)
    assert usable_cores() == used
