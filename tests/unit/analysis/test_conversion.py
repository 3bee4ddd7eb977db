"""Models turned into ONNX without their frameworks."""

import base64
import json
import pickle
import zipfile
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.conversion import tfjs
from functions.analysis.conversion.transnet import UnreadableWeights, read_weights
from functions.analysis.converted import Session

WEIGHT = np.arange(2 * 2 * 1 * 1, dtype=np.float32).reshape(2, 2, 1, 1)
BIAS = np.array([-5], dtype=np.float32)


def text(word: str) -> dict[str, str]:
    return {"s": base64.b64encode(word.encode()).decode()}


def numbers(*values: int) -> dict[str, object]:
    return {"list": {"i": [str(value) for value in values]}}


def graph(folder: Path, activation: str = "Relu", extra: Sequence[str] = ()) -> Path:
    """A picture of one channel, convolved by steps of two with a kernel of 2 by 2, as TensorFlow.js writes it."""
    fused = {"list": {"s": [text(word)["s"] for word in ("BiasAdd", activation)]}}
    convolution = {
        "name": "convolved",
        "op": "_FusedConv2D",
        "input": ["picture", "kernel", "bias"],
        "attr": {"strides": numbers(1, 2, 2, 1), "padding": text("SAME"), "fused_ops": fused},
    }
    nodes = [{"name": "picture", "op": "Placeholder"}, convolution]
    nodes += [{"name": op, "op": op, "input": ["convolved"]} for op in extra]
    weights = [
        {"name": "kernel", "shape": WEIGHT.shape, "dtype": "float32", "quantization": {"dtype": "float16"}},
        {"name": "bias", "shape": BIAS.shape, "dtype": "float32"},
    ]
    (folder / "weights.bin").write_bytes(WEIGHT.astype("<f2").tobytes() + BIAS.astype("<f4").tobytes())
    model = {
        "modelTopology": {"node": nodes},
        "weightsManifest": [{"paths": ["weights.bin"], "weights": weights}],
    }
    path = folder / "model.json"
    path.write_text(json.dumps(model))
    return path


def run(model: bytes, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    session: Session = import_module("onnxruntime").InferenceSession(model, providers=["CPUExecutionProvider"])
    return session.run(["out"], {"pictures": picture[None, ..., None]})[0][0, ..., 0]


def test_a_convolution_gives_what_it_gave_in_its_framework(tmp_path: Path) -> None:
    converted = tfjs.convert(graph(tmp_path), size=4, channels=1, outputs={"convolved": "out"})
    picture = np.array([[1, 2, 0], [0, 1, 0], [3, 0, 1]], dtype=np.float32)
    # Padded at the right and the bottom alone, as TensorFlow does where the padding is odd.
    padded = np.pad(picture, ((0, 1), (0, 1)))
    kernel = WEIGHT[..., 0, 0]
    expected = [[max(0.0, (padded[y : y + 2, x : x + 2] * kernel).sum() + BIAS[0]) for x in (0, 2)] for y in (0, 2)]
    assert run(converted.SerializeToString(), picture).tolist() == expected


def test_conversion_gives_the_same_bytes_each_time(tmp_path: Path) -> None:
    made = {
        tfjs.convert(graph(tmp_path), size=4, channels=1, outputs={"convolved": "out"}).SerializeToString(
            deterministic=True
        )
        for _ in range(3)
    }
    assert len(made) == 1


def test_what_there_is_no_rule_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(tfjs.UnknownGraph, match="Cumsum"):
        tfjs.convert(graph(tmp_path, extra=["Cumsum"]), size=4, channels=1, outputs={"Cumsum": "out"})
    with pytest.raises(tfjs.UnknownGraph, match="Elu"):
        tfjs.convert(graph(tmp_path, activation="Elu"), size=4, channels=1, outputs={"convolved": "out"})


class Mischief:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"fc1.weight": Mischief()}))
    with pytest.raises(UnreadableWeights, match=r"builtins\.print"):
        read_weights(path)
