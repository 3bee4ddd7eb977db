"""TransNetV2 (Souček and Lokoč, https://arxiv.org/abs/2008.04838) as ONNX, from its PyTorch weights.

The network is written down here node by node, so that PyTorch isn't needed: its weights are a ZIP archive of raw arrays
beside a pickle that tells their names and shapes.
"""

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_IR_VERSION = 10
_OPSET = 21

_WINDOW = 100
_HEIGHT, _WIDTH = 27, 48
_STACKS = 3
_BLOCKS = 2
_DILATIONS = (1, 2, 4, 8)
# A frame is compared with the fifty before and after it.
_REACH = 50
_NEIGHBOURS = 2 * _REACH + 1
# Three bits of each of red, green and blue.
_COLOURS = 512
_BATCH_NORM_EPSILON = 1e-3

Weights = dict[str, NDArray[np.float32]]


class UnreadableWeights(Exception):
    """The file isn't what PyTorch writes for a dictionary of dense float32 tensors."""


def convert(weights: Path) -> ModelProto:
    """Takes `frames` of (windows, 100, 27, 48, 3), uint8 RGB; gives `one_hot` and `many_hot` of (windows, 100).

    Both are probabilities: of being the frame at which the shot changes, and of being part of the change.
    """
    return _Network(read_weights(weights)).model()


def read_weights(path: Path) -> Weights:
    """Runs nothing that the pickle names: whatever isn't a tensor of floats is refused."""
    with zipfile.ZipFile(path) as archive:
        folder = archive.namelist()[0].split("/")[0]
        with archive.open(f"{folder}/data.pkl") as file:
            tensors = _TensorUnpickler(file).load()
        weights: Weights = {}
        for name, tensor in tensors.items():
            if not isinstance(tensor, _Tensor):
                raise UnreadableWeights(name)
            if tensor.storage.kind != "FloatStorage":
                # How many batches it was trained with: nothing that inference needs.
                continue
            values = np.frombuffer(archive.read(f"{folder}/data/{tensor.storage.key}"), "<f4")
            weights[name] = values[: int(np.prod(tensor.shape))].reshape(tensor.shape)
    return weights


class _Storage:
    def __init__(self, kind: str, key: str) -> None:
        self.kind = kind
        self.key = key


class _Tensor:
    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object):
        dense = tuple(int(np.prod(shape[axis + 1 :])) for axis in range(len(shape)))
        if offset != 0 or (strides != dense and np.prod(shape) > 1):
            raise UnreadableWeights(f"a view of storage {storage.key}")
        self.storage = storage
        self.shape = shape


class _TensorUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name.endswith("Storage"):
            return name
        raise UnreadableWeights(f"{module}.{name}")

    def persistent_load(self, pid: tuple[str, str, str, str, int]) -> _Storage:
        return _Storage(kind=pid[1], key=pid[2])


class _Network:
    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._nodes: list[NodeProto] = []
        self._constants: list[TensorProto] = []

    def model(self) -> ModelProto:
        similar_features, features = self._features()
        known = self._add("Concat", [self._similar_colours(), similar_features, features], axis=2)
        hidden = self._add("Relu", [self._linear(known, "fc1")])
        for name, layer in (("one_hot", "cls_layer1"), ("many_hot", "cls_layer2")):
            self._add("Sigmoid", [self._reshape(self._linear(hidden, layer), (-1, _WINDOW))], name)
        frames = helper.make_tensor_value_info("frames", TensorProto.UINT8, ["windows", _WINDOW, _HEIGHT, _WIDTH, 3])
        results = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["windows", _WINDOW])
            for name in ("one_hot", "many_hot")
        ]
        graph = helper.make_graph(self._nodes, "transnetv2", [frames], results, self._constants)
        model = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", _OPSET)])
        onnx.checker.check_model(model, full_check=True)
        return model

    def _features(self) -> tuple[str, str]:
        """How alike the frames are in what the network sees in them, and what it sees in the last stack."""
        pictures = self._add("Cast", ["frames"], to=TensorProto.FLOAT)
        pictures = self._add("Div", [pictures, self._constant(np.float32(255))])
        stack = self._add("Transpose", [pictures], perm=(0, 4, 1, 2, 3))
        means: list[str] = []
        for number in range(_STACKS):
            stack = self._stack(stack, f"SDDCNN.{number}")
            means.append(self._add("ReduceMean", [stack, self._constant(np.array([3, 4]))], keepdims=0))
        by_frame = self._add("Transpose", [self._add("Concat", means, axis=1)], perm=(0, 2, 1))
        projected = self._linear(by_frame, "frame_sim_layer.projection")
        similar = self._similarities(projected, "frame_sim_layer.fc")
        last = self._add("Transpose", [stack], perm=(0, 2, 3, 4, 1))
        return similar, self._reshape(last, (0, 0, -1))

    def _stack(self, given: str, name: str) -> str:
        first = self._add("Relu", [self._block(given, f"{name}.DDCNN.0")])
        block = first
        for number in range(1, _BLOCKS):
            block = self._add("Relu", [self._block(block, f"{name}.DDCNN.{number}")])
        both = self._add("Add", [block, first])
        return self._add("AveragePool", [both], kernel_shape=(1, 2, 2), strides=(1, 2, 2))

    def _block(self, given: str, name: str) -> str:
        """Convolutions over space, then over time at four paces. The normalisation is folded into the latter."""
        scale = self._weights[f"{name}.bn.weight"] / np.sqrt(
            self._weights[f"{name}.bn.running_var"] + _BATCH_NORM_EPSILON
        )
        shift = self._weights[f"{name}.bn.bias"] - self._weights[f"{name}.bn.running_mean"] * scale
        spatial = [self._weights[f"{name}.Conv3D_{dilation}.layers.0.weight"] for dilation in _DILATIONS]
        seen = self._add(
            "Conv",
            [given, self._constant(np.concatenate(spatial))],
            kernel_shape=(1, 3, 3),
            pads=(0, 1, 1, 0, 1, 1),
        )
        parts = [f"{seen}:{dilation}" for dilation in _DILATIONS]
        self._nodes.append(helper.make_node("Split", [seen], parts, axis=1, num_outputs=len(parts)))
        count = scale.size // len(_DILATIONS)
        paced = [
            self._add(
                "Conv",
                [
                    part,
                    self._constant(
                        self._weights[f"{name}.Conv3D_{dilation}.layers.1.weight"]
                        * scale[number * count : (number + 1) * count].reshape(-1, 1, 1, 1, 1)
                    ),
                    self._constant(shift[number * count : (number + 1) * count]),
                ],
                kernel_shape=(3, 1, 1),
                dilations=(dilation, 1, 1),
                pads=(dilation, 0, 0, dilation, 0, 0),
            )
            for number, (part, dilation) in enumerate(zip(parts, _DILATIONS, strict=True))
        ]
        return self._add("Concat", paced, axis=1)

    def _similar_colours(self) -> str:
        frames = self._reshape("frames", (0, 0, _HEIGHT * _WIDTH, 3))
        eighths = self._add("Cast", [self._add("Div", [frames, self._constant(np.uint8(32))])], to=TensorProto.INT64)
        weighted = self._add("Mul", [eighths, self._constant(np.array([64, 8, 1]))])
        colours = self._add("ReduceSum", [weighted, self._constant(np.array([3]))], keepdims=0)
        ones = self._add("Cast", [self._add("GreaterOrEqual", [colours, self._constant(np.int64(0))])], to=1)
        first = self._add("Slice", [ones, *(self._constant(np.array([at])) for at in (0, 1, 2))])
        empty = self._add("Mul", [first, self._constant(np.zeros(_COLOURS, dtype=np.float32))])
        histograms = self._add("ScatterElements", [empty, colours, ones], axis=2, reduction="add")
        return self._similarities(histograms, "color_hist_layer.fc")

    def _similarities(self, vectors: str, layer: str) -> str:
        """For each frame its cosine similarity with each of its neighbours, 0 beyond the window, through a layer."""
        normal = self._add("LpNormalization", [vectors], axis=2, p=2)
        every = self._add("MatMul", [normal, self._add("Transpose", [normal], perm=(0, 2, 1))])
        pads = self._constant(np.array([0, 0, _REACH, 0, 0, _REACH]))
        padded = self._add("Pad", [every, pads])
        # Row t is wanted from column t on. Written one after the other and cut into rows that are longer by one, each
        # row begins one further to the left than the one before.
        width = _WINDOW + 2 * _REACH
        flat = self._reshape(padded, (-1, _WINDOW * width))
        longer = self._add("Pad", [flat, self._constant(np.array([0, 0, 0, _WINDOW]))])
        skewed = self._reshape(longer, (-1, _WINDOW, width + 1))
        bounds = [self._constant(np.array([value])) for value in (0, _NEIGHBOURS, 2)]
        return self._add("Relu", [self._linear(self._add("Slice", [skewed, *bounds]), layer)])

    def _linear(self, given: str, layer: str) -> str:
        weight = self._constant(self._weights[f"{layer}.weight"].T)
        product = self._add("MatMul", [given, weight])
        return self._add("Add", [product, self._constant(self._weights[f"{layer}.bias"])])

    def _reshape(self, given: str, shape: Sequence[int]) -> str:
        return self._add("Reshape", [given, self._constant(np.array(shape))])

    def _constant(self, value: NDArray[np.generic] | np.generic) -> str:
        name = f"constant-{len(self._constants)}"
        self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value).reshape(np.shape(value)), name))
        return name

    def _add(self, op: str, inputs: Sequence[str], result: str = "", **attributes: str | int | Sequence[int]) -> str:
        result = result or f"{op}-{len(self._nodes)}"
        self._nodes.append(_node(op, inputs, result, attributes))
        return result


def _node(
    op: str, inputs: Sequence[str], result: str, attributes: Mapping[str, str | int | Sequence[int]]
) -> NodeProto:
    node = helper.make_node(op, inputs, [result], result)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(attributes.items()))
    return node
