"""CenterFace (Xu et al., https://arxiv.org/abs/1911.03599) out of its own ONNX file, made to take pictures of any size.

The file was written for ten pictures of 32 by 32 pixels. It also lists its weights as inputs, which a caller might
change: a runtime that can't fold them takes twice as long.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper

_IR_VERSION = 10
_GIVEN = "input.1"
_CHANNELS = 3
# What each number of the output means, and how many there are of it. The landmarks, 540, aren't wanted.
_WANTED = {"537": ("heat", 1), "538": ("reach", 2), "539": ("shift", 2)}
_CHANNELS_LAST = (0, 2, 3, 1)
_CHANNELS_FIRST = (0, 3, 1, 2)


def convert(model: Path) -> ModelProto:
    """Takes `pictures` of (number, height, width, 3), RGB from 0 to 255, sides that are multiples of 32.

    Gives for each 4 by 4 pixels, channels last: `heat`, the probability that a face has its centre there; `reach`, the
    logarithms of its height and width in steps of 4 pixels; `shift`, how many such steps further down and right the
    centre is.
    """
    stored = onnx.load(model)
    nodes, needed = _leading_to(_WANTED, stored.graph.node)
    turned = [helper.make_node("Transpose", ["pictures"], [_GIVEN], _GIVEN, perm=_CHANNELS_FIRST)]
    results = [
        helper.make_node("Transpose", [name], [called], called, perm=_CHANNELS_LAST)
        for name, (called, _) in _WANTED.items()
    ]
    graph = helper.make_graph(
        [*turned, *nodes, *results],
        "converted",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["number", "height", "width", _CHANNELS])],
        [
            helper.make_tensor_value_info(called, TensorProto.FLOAT, ["number", None, None, count])
            for called, count in _WANTED.values()
        ],
        [weight for weight in stored.graph.initializer if weight.name in needed],
    )
    converted = helper.make_model(graph, ir_version=_IR_VERSION, opset_imports=stored.opset_import)
    onnx.checker.check_model(converted, full_check=True)
    return converted


def _leading_to(wanted: Iterable[str], nodes: Sequence[NodeProto]) -> tuple[list[NodeProto], set[str]]:
    """The nodes that the wanted values are made by, in their order, and the names of all that these take."""
    needed = set(wanted)
    kept: list[NodeProto] = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1], needed
