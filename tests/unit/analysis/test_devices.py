"""The choice between the GPU and the processor."""

import pytest

from functions.analysis.devices import Device, load_where_it_works, onnx_providers


def test_a_model_is_loaded_on_the_gpu_where_there_is_one() -> None:
    assert load_where_it_works(str, has_gpu=True) == Device.GPU
    assert load_where_it_works(str, has_gpu=False) == Device.CPU


@pytest.mark.parametrize("error", [RuntimeError("Library libcublas.so.12 is not found"), ValueError("no float16")])
def test_a_model_that_doesnt_work_on_the_gpu_is_loaded_on_the_processor(error: Exception) -> None:
    def load(device: Device) -> Device:
        if device is Device.GPU:
            raise error
        return device

    assert load_where_it_works(load, has_gpu=True) is Device.CPU


def test_what_doesnt_work_on_the_processor_either_is_told() -> None:
    def load(device: Device) -> Device:
        raise RuntimeError(f"broken on {device}")

    with pytest.raises(RuntimeError, match="broken on cpu"):
        load_where_it_works(load, has_gpu=True)


def test_models_can_always_run_on_the_processor() -> None:
    assert onnx_providers()[-1] == "CPUExecutionProvider"
