"""Each stage is synthesised once, with functions made up here and with those of the project."""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from infra.assets import BuiltFolder
from infra.local.install import node_folder
from tests.infra.templates import Templates

# Read when the CDK is imported, which the fixtures therefore do themselves: it runs on Node, wherever that is.
os.environ.setdefault("JSII_NODE", str(node_folder() / "node"))
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION", "1")

CONTEXT: dict[str, object] = json.loads((Path(__file__).resolve().parents[2] / "cdk.json").read_bytes())["context"]
Synthesise = Callable[[str], Templates]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> BuiltFolder:
    """Stands for code and for layers, whose content makes no difference to a template."""
    path = tmp_path_factory.mktemp("asset")
    (path / "module.py").write_text("")
    return BuiltFolder(path, "0" * 64)


@pytest.fixture(scope="session")
def made_up(tmp_path_factory: pytest.TempPathFactory, folder: BuiltFolder) -> Synthesise:
    """Stage -> its templates, with one function of each kind."""
    from infra.app import Functions
    from shared.messaging.routing import FunctionNeeds
    from tests.infra.declarations import DECLARED

    functions = Functions(
        declared=DECLARED,
        authorizer=FunctionNeeds(),
        fallback=FunctionNeeds(),
        code=lambda _context, _generated: folder,
        layers={"common": folder, "embedding": BuiltFolder(folder.path, "1" * 64)},
    )
    return cache(lambda stage: _synthesise(stage, functions, tmp_path_factory.mktemp(stage)))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory, folder: BuiltFolder) -> Synthesise:
    """Stage -> its templates, with the functions of the project."""
    from infra.app import Functions
    from infra.declarations import AUTHORIZER, FALLBACK, discover, function_needs

    functions = Functions(
        declared=discover(),
        authorizer=function_needs(AUTHORIZER),
        fallback=function_needs(FALLBACK),
        code=lambda _context, _generated: folder,
        layers={
            name: BuiltFolder(folder.path, str(number) * 64)
            for number, name in enumerate(("common", "embedding", "media"))
        },
    )
    return cache(lambda stage: _synthesise(stage, functions, tmp_path_factory.mktemp(stage)))


def _synthesise(stage: str, functions: object, target: Path) -> Templates:
    from aws_cdk import App

    from infra.app import Functions, build
    from infra.stages import stage_named

    assert isinstance(functions, Functions)
    app = App(context=CONTEXT, outdir=str(target), tree_metadata=False, analytics_reporting=False)
    build(app, stage_named(stage), functions)
    app.synth()
    return Templates(target)
