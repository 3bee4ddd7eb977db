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
from onnx import TensorProto, helper, numpy_helper

from functions.analysis.conversion import centerface, tfjs
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


def session(model: bytes) -> Session:
    loaded: Session = import_module("onnxruntime").InferenceSession(model, providers=["CPUExecutionProvider"])
    return loaded


def run(model: bytes, picture: NDArray[np.float32]) -> NDArray[np.float32]:
    return session(model).run(["out"], {"pictures": picture[None, ..., None]})[0][0, ..., 0]


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


def centerface_file(folder: Path) -> Path:
    """Four convolutions by steps of four pixels, stored as CenterFace is: for one size, weights among the inputs."""
    random = np.random.default_rng(1)
    outputs = {"537": 1, "538": 2, "539": 2, "540": 10}
    weights = {f"{name}.weight": random.normal(size=(count, 3, 4, 4)) for name, count in outputs.items()}
    stored = [numpy_helper.from_array(weight.astype(np.float32), name) for name, weight in weights.items()]
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["input.1", f"{name}.weight"], [name], strides=(4, 4)) for name in outputs],
            "stored",
            [
                helper.make_tensor_value_info("input.1", TensorProto.FLOAT, [10, 3, 32, 32]),
                *(helper.make_tensor_value_info(one.name, TensorProto.FLOAT, one.dims) for one in stored),
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, [10, n, 8, 8]) for name, n in outputs.items()],
            stored,
        ),
        ir_version=4,
        opset_imports=[helper.make_opsetid("", 9)],
    )
    path = folder / "centerface.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_centerface_gives_for_pictures_of_any_size_what_it_gave_for_small_ones(tmp_path: Path) -> None:
    stored = centerface_file(tmp_path)
    converted = centerface.convert(stored).SerializeToString()
    small = np.random.default_rng(2).normal(size=(10, 32, 32, 3)).astype(np.float32)
    # Nothing that these convolutions see lies across the edge of two of them.
    large = np.concatenate([np.concatenate(small[:5], axis=1), np.concatenate(small[5:], axis=1)])[None]
    before = session(stored.read_bytes()).run(["537", "538", "539"], {"input.1": small.transpose(0, 3, 1, 2)})
    after = session(converted).run(["heat", "reach", "shift"], {"pictures": large})
    for old, new in zip(before, after, strict=True):
        assert new.shape == (1, 16, 40, old.shape[1])
        assert np.allclose(new[0, 8:, 24:32], old[8].transpose(1, 2, 0), atol=1e-4)


def test_of_centerface_only_what_is_wanted_is_kept_and_nothing_but_pictures_is_asked_for(tmp_path: Path) -> None:
    graph = centerface.convert(centerface_file(tmp_path)).graph
    assert [given.name for given in graph.input] == ["pictures"]
    assert {weight.name for weight in graph.initializer} == {"537.weight", "538.weight", "539.weight"}


class Mischief:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("run",)


def test_weights_that_would_run_code_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"fc1.weight": Mischief()}))
    with pytest.raises(UnreadableWeights, match=r"builtins\.print"):
        read_weights(path)
