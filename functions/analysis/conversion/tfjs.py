"""TensorFlow.js graph models (a `model.json` beside one file of weights) as ONNX.

The graphs are convolutional networks for pictures, folded for inference. They are rewritten from channels last to
channels first, which ONNX means, so what a graph says of axes and weights is turned on the way. What it takes and gives
stays as the original has it, channels last.
"""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper
from pydantic import BaseModel, Field

_IR_VERSION = 10
_OPSET = 21

_CHANNELS_LAST = (0, 2, 3, 1)
_CHANNELS_FIRST = (0, 3, 1, 2)

_ONE_TO_ONE = {"Add": "Add", "AddV2": "Add", "Mul": "Mul", "Relu": "Relu", "Sigmoid": "Sigmoid"}
_ACTIVATIONS = frozenset({"Relu", "Relu6"})


class UnknownGraph(Exception):
    """The graph holds something that this conversion has no rule for."""


class _Strings(BaseModel):
    s: tuple[str, ...] = ()
    i: tuple[int, ...] = ()


class _Attribute(BaseModel):
    s: str = ""
    list: _Strings = _Strings()


class _Node(BaseModel):
    name: str
    op: str
    input: tuple[str, ...] = ()
    attr: dict[str, _Attribute] = Field(default_factory=dict)

    def words(self, attribute: str) -> tuple[str, ...]:
        return tuple(_word(word) for word in self._attribute(attribute).list.s)

    def word(self, attribute: str) -> str:
        return _word(self._attribute(attribute).s)

    def numbers(self, attribute: str) -> tuple[int, ...]:
        return self._attribute(attribute).list.i

    def _attribute(self, name: str) -> _Attribute:
        return self.attr.get(name, _Attribute())


class _Topology(BaseModel):
    node: tuple[_Node, ...]


class _Quantization(BaseModel):
    dtype: str


class _Weight(BaseModel):
    name: str
    shape: tuple[int, ...]
    dtype: str
    quantization: _Quantization | None = None


class _WeightGroup(BaseModel):
    paths: tuple[str, ...]
    weights: tuple[_Weight, ...]


class _GraphModel(BaseModel):
    topology: _Topology = Field(alias="modelTopology")
    weights: tuple[_WeightGroup, ...] = Field(alias="weightsManifest")


def convert(model: Path, size: int, channels: int, outputs: dict[str, str]) -> ModelProto:
    """`model` is the `model.json`, `size` the side that the graph was made for, `outputs` names those that are wanted.

    The result takes `pictures` of (number, height, width, channels), float32 as the original. Height and width may be
    any multiple of the graph's stride.
    """
    stored = _GraphModel.model_validate_json(model.read_bytes())
    nodes = {node.name: node for node in stored.topology.node}
    conversion = _Conversion(nodes, _read_weights(stored, model.parent), size)
    for name in outputs:
        conversion.visit(name)
    return conversion.model(channels, outputs)


class _Conversion:
    def __init__(self, nodes: dict[str, _Node], weights: dict[str, NDArray[np.float32]], size: int) -> None:
        self._nodes = nodes
        self._weights = weights
        self._size = size
        self._made: list[NodeProto] = []
        self._constants: list[TensorProto] = []
        # How many pixels of the picture are one step of a tensor. Tensors that aren't pictures have none.
        self._strides: dict[str, int] = {}
        self._done: set[str] = set()

    def visit(self, name: str) -> None:
        """Adds the node and, before it, all that it needs."""
        if name in self._done or name in self._weights:
            return
        self._done.add(name)
        node = self._nodes[name]
        for needed in node.input:
            self.visit(needed)
        self._strides[name] = max((self._strides.get(needed, 1) for needed in node.input), default=1)
        self._translate(node)

    def model(self, channels: int, outputs: dict[str, str]) -> ModelProto:
        for name, called in outputs.items():
            self._add("Transpose", [name], called, perm=_CHANNELS_LAST)
        pictures = helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["number", "height", "width", channels])
        results = [
            helper.make_tensor_value_info(called, TensorProto.FLOAT, ["number", None, None, None])
            for called in outputs.values()
        ]
        graph = helper.make_graph(self._made, "converted", [pictures], results, self._constants)
        model = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=[helper.make_opsetid("", _OPSET)])
        onnx.checker.check_model(model, full_check=True)
        return model

    def _translate(self, node: _Node) -> None:
        match node.op:
            case "Placeholder":
                self._add("Transpose", ["pictures"], node.name, perm=_CHANNELS_FIRST)
            case "Identity":
                self._add("Identity", [node.input[0]], node.name)
            case "Conv2D" | "_FusedConv2D":
                self._convolve(node, np.transpose(self._weights[node.input[1]], (3, 2, 0, 1)), groups=1)
            case "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative":
                kernel = self._weights[node.input[1]]
                height, width, channels, multiplier = kernel.shape
                turned = np.transpose(kernel, (2, 3, 0, 1)).reshape(channels * multiplier, 1, height, width)
                self._convolve(node, turned, groups=channels)
            case "MaxPool":
                self._strided(node)
                self._add(
                    "MaxPool",
                    [node.input[0]],
                    node.name,
                    kernel_shape=node.numbers("ksize")[1:3],
                    strides=node.numbers("strides")[1:3],
                    auto_pad=_padding(node),
                )
            case "ResizeBilinear":
                self._enlarge(node)
            case "Mean":
                self._add("GlobalAveragePool", [node.input[0]], node.name)
            case "ConcatV2":
                self._add("Concat", list(node.input[:-1]), node.name, axis=1)
            case "Relu6":
                self._activate("Relu6", node.input[0], node.name)
            case "Softmax":
                self._add("Softmax", [node.input[0]], node.name, axis=1)
            case op if op in _ONE_TO_ONE:
                self._add(_ONE_TO_ONE[op], [self._operand(name) for name in node.input], node.name)
            case _:
                raise UnknownGraph(f"{node.op} ({node.name})")

    def _convolve(self, node: _Node, kernel: NDArray[np.float32], groups: int) -> None:
        self._strided(node)
        inputs = [node.input[0], self._constant(f"{node.name}:kernel", kernel)]
        fused = node.words("fused_ops")
        if fused[:1] == ("BiasAdd",):
            inputs.append(self._constant(f"{node.name}:bias", self._weights[node.input[2]].reshape(-1)))
            fused = fused[1:]
        convolved = f"{node.name}:convolved" if fused else node.name
        self._add(
            "Conv",
            inputs,
            convolved,
            group=groups,
            kernel_shape=kernel.shape[2:],
            strides=node.numbers("strides")[1:3],
            dilations=node.numbers("dilations")[1:3] or (1, 1),
            auto_pad=_padding(node),
        )
        if fused:
            self._activate(fused[0], convolved, node.name)

    def _activate(self, activation: str, given: str, result: str) -> None:
        if activation not in _ACTIVATIONS:
            raise UnknownGraph(f"{activation} ({result})")
        if activation == "Relu":
            self._add("Relu", [given], result)
        else:
            bounds = [self._scalar(f"{result}:least", 0.0), self._scalar(f"{result}:most", 6.0)]
            self._add("Clip", [given, *bounds], result)

    def _enlarge(self, node: _Node) -> None:
        height, width = (int(side) for side in self._weights[node.input[1]])
        now = self._size // self._strides[node.input[0]]
        if height != width or height % now:
            raise UnknownGraph(f"a resize of {now} to {height}x{width} ({node.name})")
        factor = height // now
        self._strides[node.name] //= factor
        scales = self._constant(f"{node.name}:scales", np.array([1, 1, factor, factor], dtype=np.float32))
        self._add(
            "Resize",
            [node.input[0], "", scales],
            node.name,
            mode="linear",
            coordinate_transformation_mode="asymmetric",
        )

    def _strided(self, node: _Node) -> None:
        self._strides[node.name] *= node.numbers("strides")[1]

    def _operand(self, name: str) -> str:
        if name not in self._weights:
            return name
        value = self._weights[name]
        # One value per channel, which came last.
        return self._constant(name, value.reshape(1, -1, 1, 1) if value.ndim else value)

    def _scalar(self, name: str, value: float) -> str:
        return self._constant(name, np.array(value, dtype=np.float32))

    def _constant(self, name: str, value: NDArray[np.float32]) -> str:
        if all(constant.name != name for constant in self._constants):
            self._constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def _add(self, op: str, inputs: list[str], result: str, **attributes: str | int | Sequence[int]) -> None:
        self._made.append(_node(op, inputs, result, attributes))


def _read_weights(model: _GraphModel, folder: Path) -> dict[str, NDArray[np.float32]]:
    """Every weight as float32 (whole numbers among them are small); shapes as stored."""
    weights: dict[str, NDArray[np.float32]] = {}
    for group in model.weights:
        stored = b"".join((folder / path).read_bytes() for path in group.paths)
        position = 0
        for weight in group.weights:
            kind = np.dtype(weight.quantization.dtype if weight.quantization else weight.dtype).newbyteorder("<")
            count = int(np.prod(weight.shape, dtype=np.int64))
            values = np.frombuffer(stored, kind, count, position)
            weights[weight.name] = values.reshape(weight.shape).astype(np.float32)
            position += count * kind.itemsize
        if position != len(stored):
            raise UnknownGraph(f"{len(stored) - position} bytes of weights are left over")
    return weights


def _padding(node: _Node) -> str:
    return "SAME_UPPER" if node.word("padding") == "SAME" else "VALID"


def _word(encoded: str) -> str:
    return base64.b64decode(encoded).decode()


def _node(
    op: str, inputs: Sequence[str], result: str, attributes: Mapping[str, str | int | Sequence[int]]
) -> NodeProto:
    node = helper.make_node(op, inputs, [result], result)
    node.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(attributes.items()))
    return node
