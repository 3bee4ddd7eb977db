"""What is packed is enough to run, fits Lambda, and is for the machine that runs it."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from infra.assets import CHECKOUT, BuiltFolder, context_code, imported_contexts, worker_image
from infra.declarations import AUTHORIZER, FALLBACK, ROUTES_FILE, Declared, discover, function_needs
from infra.layers.build import (
    COMMON,
    LOCKS,
    MAX_UNZIPPED_BYTES,
    build_layer,
    native_libraries,
    pointer_to,
    services_used,
    unzipped_bytes,
)
from infra.stages import STAGES

pytestmark = pytest.mark.xdist_group("infra")

LOCAL, CLOUD = STAGES["local"].runtime, STAGES["prod"].runtime
CODE_ALLOWANCE = 10 * 1024 * 1024


def run_isolated(script: str, path: list[Path], *arguments: str) -> str:
    """Run a script that finds the standard library and `path`, and nothing installed beside them."""
    begin = f"import sys; sys.path[:0] = {[str(one) for one in path]!r}\n"
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", begin + script, *arguments], capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def local_layer(name: str) -> Path:
    return build_layer(name, LOCAL).path / "python"


def modules() -> dict[str, tuple[str, ...]]:
    """Each function's module and its layers."""
    found = {one.module: one.needs.layers for one in discover()}
    for special in (AUTHORIZER, FALLBACK):
        if needs := function_needs(special):
            found[special] = needs.layers
    return found


def test_each_function_starts_from_its_code_asset_and_its_layers_alone() -> None:
    by_package: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for module, layers in modules().items():
        by_package.setdefault((Declared(module, None).context, layers), []).append(module)  # type: ignore[arg-type]
    script = "import importlib\nfor module in sys.argv[1:]: importlib.import_module(module).lambda_handler"
    for (context, layers), names in by_package.items():
        code = context_code(context, compiled=True).path
        run_isolated(script, [code, *(local_layer(layer) for layer in (COMMON, *layers))], *names)


def test_the_packed_fallback_tells_routes_apart_however_many_there_are(tmp_path: Path) -> None:
    routes = [["GET", f"/v1/workspaces/{{workspace_id}}/fences-{number}"] for number in range(300)]
    generated = {ROUTES_FILE: json.dumps(routes)}
    code = context_code("operations", generated, compiled=True, built=tmp_path)
    assert code.digest != context_code("operations", compiled=True, built=tmp_path).digest
    script = (
        "import importlib\nfallback = importlib.import_module(sys.argv[1]).lambda_handler\n"
        "print([fallback({'rawPath': path, 'headers': {}})['statusCode'] for path in sys.argv[2:]])"
    )
    paths = ["/v1/workspaces/w/fences-0", "/v1/workspaces/w/fences-299", "/v1/workspaces/w/fences-300"]
    answer = run_isolated(script, [code.path, local_layer(COMMON)], FALLBACK, *paths)
    assert answer.splitlines()[-1] == "[405, 405, 404]"


def test_the_worker_starts_from_its_image_alone() -> None:
    code = worker_image().path
    packages = [local_layer(layer) for layer in (COMMON, "embedding", "media")]
    run_isolated("import functions.analysis.__main__, functions.analysis.worker", [code, *packages])


def pinned(lock: str) -> set[tuple[str, str]]:
    """The packages of a lock and their versions."""
    text = (CHECKOUT / "infra" / "locks" / f"{lock}.txt").read_text()
    return set(re.findall(r"^([\w.-]+)==([\w.]+)", text, re.MULTILINE))


def copied(stage: str) -> list[str]:
    """What a stage of the image copies from the build context."""
    text = (CHECKOUT / "functions" / "analysis" / "Dockerfile").read_text()
    (instructions,) = [part for part in text.split("\nFROM ")[1:] if part.splitlines()[0].endswith(stage)]
    lines = [line.split() for line in instructions.splitlines() if line.startswith("COPY ")]
    return [source.rstrip("/") for _copy, source, _target in (line for line in lines if not line[1].startswith("--"))]


def test_all_that_the_image_copies_is_in_its_build_context() -> None:
    context = worker_image().path
    sources = {source for stage in ("models", "slim") for source in copied(stage)}
    assert "infra/locks/worker-gpu.txt" in sources
    assert [source for source in sorted(sources) if not (context / source).exists()] == []


def test_models_are_converted_from_what_their_stage_has(tmp_path: Path) -> None:
    for source in copied("models"):
        inside, copy = worker_image().path / source, tmp_path / source
        copy.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if inside.is_dir() else shutil.copyfile)(inside, copy)
    script = (
        "import functions.analysis.conversion.__main__\n"
        "from importlib.metadata import packages_distributions\n"
        "owners = packages_distributions()\n"
        "loaded = {name.partition('.')[0] for name in sys.modules} & owners.keys()\n"
        "print(*{owners[name][0].replace('_', '-') for name in loaded})"
    )
    needed = run_isolated(script, [tmp_path, Path(sysconfig.get_path("purelib"))]).split()
    assert "onnx" in needed
    assert set(needed) <= {name for name, _version in pinned("models")}


def test_the_image_differs_from_what_is_tested_by_cuda_alone() -> None:
    other = {name for name, _version in pinned("worker-gpu") - pinned("dev")}
    assert {name for name in other if not name.startswith("nvidia-")} == {"onnxruntime-gpu"}


def test_the_sentence_encoder_runs_on_its_layer() -> None:
    script = (
        "from functions.videos.adapters.embedding import MiniLmEmbedder\n"
        "near, far = (a @ b for a, b in [MiniLmEmbedder().embed(pair) for pair in "
        "(['a dog runs', 'a hound is running'], ['a dog runs', 'the tax return is due'])])\n"
        "print(near > far + 0.2)"
    )
    path = [context_code("videos", compiled=True).path, local_layer(COMMON), local_layer("embedding")]
    assert run_isolated(script, path).strip() == "True"


def test_each_service_that_the_code_uses_can_be_called() -> None:
    services = services_used()
    assert {"dynamodb", "s3", "sqs", "events"} <= services
    # Up to the point where the request would leave the process.
    script = (
        "import botocore.session\n"
        "class Sent(Exception): pass\n"
        "def send(request, **_): raise Sent\n"
        "for service in sys.argv[1:]:\n"
        "    client = botocore.session.get_session().create_client(service, region_name='us-east-1',\n"
        "        aws_access_key_id='a', aws_secret_access_key='b')\n"
        "    client.meta.events.register('before-send', send)\n"
        "    model = client.meta.service_model\n"
        "    names = [name for name in model.operation_names\n"
        "        if not getattr(model.operation_model(name).input_shape, 'required_members', None)]\n"
        "    name = 'ListObjectsV2' if service == 's3' else names[0]\n"
        "    try: client._make_api_call(name, {'Bucket': 'b'} if service == 's3' else {})\n"
        "    except Sent: print(service)\n"
    )
    told = run_isolated(script, [local_layer(COMMON)], *sorted(services))
    assert told.split() == sorted(services)


def test_botocore_carries_no_other_services() -> None:
    folders = {path.name for path in (local_layer(COMMON) / "botocore" / "data").iterdir() if path.is_dir()}
    assert folders == services_used()


@pytest.mark.parametrize("layer", [name for name in LOCKS if name != COMMON])
def test_the_cloud_layers_fit_together(layer: str) -> None:
    size = sum(unzipped_bytes(build_layer(name, CLOUD).path) for name in (COMMON, layer))
    assert size + CODE_ALLOWANCE < MAX_UNZIPPED_BYTES


def test_the_layers_of_each_function_fit_together() -> None:
    for layers in set(modules().values()):
        size = sum(unzipped_bytes(build_layer(name, CLOUD).path) for name in (COMMON, *layers))
        assert size + CODE_ALLOWANCE < MAX_UNZIPPED_BYTES


@pytest.mark.parametrize("layer", LOCKS)
def test_native_libraries_of_the_cloud_are_for_its_machine_and_interpreter(layer: str) -> None:
    found = list(native_libraries(build_layer(layer, CLOUD).path))
    assert found
    assert {machine for _, machine in found} == {"aarch64"}
    tagged = [file.name for file, _ in found if ".cpython-" in file.name]
    assert tagged
    assert all(".cpython-313-aarch64" in name for name in tagged)


def test_a_layer_is_built_once() -> None:
    first = build_layer(COMMON, LOCAL)
    built = first.path.stat().st_ino
    assert build_layer(COMMON, LOCAL) == first
    assert first.path.stat().st_ino == built


def test_a_pointer_puts_its_layer_before_what_the_interpreter_has(tmp_path: Path) -> None:
    layer, installed = tmp_path / "layer", tmp_path / "installed"
    for folder, version in ((layer / "python", "ours"), (installed, "theirs")):
        folder.mkdir(parents=True)
        (folder / "library.py").write_text(f"version = {version!r}")
    pointer = pointer_to(BuiltFolder(layer, "digest")).path
    (site,) = pointer.glob("python/lib/python3.*/site-packages")
    script = "import site; site.addsitedir(sys.argv[1]); import library; print(library.version)"
    assert run_isolated(script, [installed], str(site)).strip() == "ours"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A project of three contexts: fences imports gates, nothing imports hedges."""
    files = {
        "shared/kernel.py": "",
        "functions/__init__.py": "",
        "functions/entry.py": "from functions.gates.public import gate",
        "functions/fences/__init__.py": "",
        "functions/fences/commands/paint.py": "import shared.kernel",
        "functions/gates/public.py": "from functions.posts import public",
        "functions/gates/data.json": "{}",
        "functions/posts/public.py": "",
        "functions/hedges/public.py": "",
    }
    for name, content in files.items():
        file = tmp_path / "checkout" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    return tmp_path / "checkout"


def test_a_context_is_packed_with_what_it_imports(checkout: Path) -> None:
    assert imported_contexts("fences", checkout) == ["fences", "gates", "posts"]
    code = context_code("fences", compiled=False, checkout=checkout, built=checkout / "built")
    packed = {file.relative_to(code.path).as_posix() for file in code.path.rglob("*") if file.is_file()}
    assert packed == {
        "shared/kernel.py",
        "functions/__init__.py",
        "functions/entry.py",
        "functions/fences/__init__.py",
        "functions/fences/commands/paint.py",
        "functions/gates/data.json",
        "functions/gates/public.py",
        "functions/posts/public.py",
    }


def test_only_the_contexts_that_import_a_change_are_deployed_anew(checkout: Path) -> None:
    def digests() -> dict[str, str]:
        return {
            name: context_code(name, compiled=False, checkout=checkout, built=checkout / "built").digest
            for name in ("fences", "hedges", "posts")
        }

    before = digests()
    assert digests() == before
    (checkout / "functions" / "hedges" / "public.py").write_text("changed = True")
    after = digests()
    assert {name for name in before if before[name] != after[name]} == {"hedges"}


def test_builds_that_nobody_uses_any_more_are_forgotten(checkout: Path) -> None:
    def pack() -> Path:
        return context_code("fences", compiled=False, checkout=checkout, built=checkout / "built").path

    first = pack()
    (checkout / "shared" / "kernel.py").write_text("changed = 1")
    second = pack()
    assert first.exists()
    eight_days_ago = time.time() - 8 * 24 * 3600
    os.utime(first, (eight_days_ago, eight_days_ago))
    assert pack() == second
    assert not first.exists()


def test_the_lambda_runtime_has_no_bytecode_of_another_interpreter(checkout: Path) -> None:
    code = context_code("fences", compiled=False, checkout=checkout, built=checkout / "built")
    assert not list(code.path.rglob("*.pyc"))
    compiled = context_code("fences", compiled=True, checkout=checkout, built=checkout / "built")
    assert len(list(compiled.path.rglob("*.pyc"))) == len(list(compiled.path.rglob("*.py")))


def test_the_cdk_app_is_the_one_tested() -> None:
    settings = json.loads((Path(__file__).resolve().parents[2] / "cdk.json").read_bytes())
    assert settings["app"].endswith("python -m infra.app")
    assert settings["context"]["stage"] == "local"
