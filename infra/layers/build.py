"""Builds the dependency layers from their locks; `python -m infra.layers.build STAGE` does it ahead of a synthesis.

A layer is built when its lock, its target, this program or the AWS services used have changed, and lies in
`.local/layers/<layer>-<digest>`. It holds what the functions use: no tests, no type stubs, and botocore's data of the
services that the code makes clients of.
"""

import argparse
import ast
import compileall
import gzip
import hashlib
import json
import py_compile
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.assets import BUILT, CHECKOUT, BuiltFolder, build_once, digest_of, forget_unused, package_files
from infra.stages import STAGES, FunctionRuntime, stage_named

COMMON = "common"
LOCKS: Mapping[str, str] = {COMMON: "functions.txt", "embedding": "embedding.txt", "media": "media.txt"}

MAX_UNZIPPED_BYTES = 250 * 1024 * 1024
"""Lambda's limit for a function's code and all its layers together."""

# Required by packages of a layer, but only for downloading models and building them, which no function does.
NOT_NEEDED = frozenset(
    {
        "anyio",
        "click",
        "filelock",
        "flatbuffers",
        "fsspec",
        "h11",
        "hf-xet",
        "httpcore2",
        "httpx2",
        "huggingface-hub",
        "idna",
        "protobuf",
        "pyyaml",
        "tqdm",
        "truststore",
    }
)

_UNUSED_FOLDERS = frozenset({"tests", "test", "__pycache__", "bin", "include"})
_UNUSED_SUFFIXES = frozenset({".pyi", ".pyx", ".pxd", ".c", ".h", ".cpp", ".a", ".lib", ".md", ".rst"})
# Files of botocore's data folder that belong to no service.
_BOTOCORE_COMMON = frozenset({"_retry.json", "endpoints.json", "partitions.json", "sdk-default-configuration.json"})
_REQUIREMENT = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==")
_ELF_MACHINES = {62: "x86_64", 183: "aarch64"}


class LayerFailed(Exception):
    """A layer can't be built, or isn't fit for its target."""


@dataclass(frozen=True, slots=True)
class Target:
    """The interpreter and machine that a layer is for; without a platform, this interpreter on this machine."""

    python: str
    platform: str | None

    @property
    def interpreter_tag(self) -> str:
        return f"cpython-{self.python.replace('.', '')}"


def build_layer(name: str, runtime: FunctionRuntime, *, checkout: Path = CHECKOUT, built: Path = BUILT) -> BuiltFolder:
    """The folder of a layer's packages. Raises `LayerFailed`."""
    target = Target(runtime.python, runtime.platform)
    services = sorted(services_used(checkout)) if name == COMMON else []
    locks = [checkout / "infra" / "locks" / LOCKS[layer] for layer in dict.fromkeys((name, COMMON))]
    program = checkout / "infra" / "layers" / "build.py"
    interpreter = sys.version if target.platform is None else ""
    digest = digest_of([*locks, program], checkout, name, repr(target), interpreter, *services)
    folder = built / "layers" / f"{name}-{digest[:16]}"
    build_once(folder, lambda layer: _build(layer / "python", locks, target, services))
    forget_unused(folder, name)
    return BuiltFolder(folder, digest)


def pointer_to(layer: BuiltFolder) -> BuiltFolder:
    """A layer of one line that puts a built layer of this machine in front of everything else on the path.

    The emulator unpacks a layer for each worker that it starts, which takes longer than all else in a cold start.
    """
    packages = str(layer.path / "python")
    digest = hashlib.sha256(f"{packages}\0{layer.digest}".encode()).hexdigest()
    folder = layer.path.with_name(f"{layer.path.name}-pointer-{digest[:8]}")

    def write(target: Path) -> None:
        python = f"python{sys.version_info.major}.{sys.version_info.minor}"
        site = target / "python" / "lib" / python / "site-packages"
        site.mkdir(parents=True)
        # In front: the emulator's own environment has other versions of some of the packages.
        (site / "visionscope.pth").write_text(f"import sys; sys.path.insert(0, {packages!r})\n")

    build_once(folder, write)
    return BuiltFolder(folder, digest)


def stage_layers(runtime: FunctionRuntime, checkout: Path = CHECKOUT, built: Path = BUILT) -> dict[str, BuiltFolder]:
    """What each layer of a stage is made of, for those that have a lock."""
    layers: dict[str, BuiltFolder] = {}
    for name, lock in LOCKS.items():
        if (checkout / "infra" / "locks" / lock).exists():
            layer = build_layer(name, runtime, checkout=checkout, built=built)
            layers[name] = pointer_to(layer) if runtime.platform is None else layer
    return layers


def services_used(checkout: Path = CHECKOUT) -> set[str]:
    """botocore's names of the services that the code makes clients of: constants given to functions named `client`."""
    found: set[str] = set()
    for file in (*package_files(checkout / "shared"), *package_files(checkout / "functions")):
        if file.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(file.read_bytes(), file.name)):
            if isinstance(node, ast.Call) and _called(node.func) == "client" and node.args:
                match node.args[0]:
                    case ast.Constant(value=str() as service):
                        found.add(service)
    return found


def unzipped_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def native_libraries(folder: Path) -> Iterator[tuple[Path, str]]:
    """Each native library and the machine that its ELF header names."""
    for file in folder.rglob("*"):
        if file.is_file() and (".so" in file.suffixes):
            header = file.read_bytes()[:20]
            machine = int.from_bytes(header[18:20], "little")
            yield file, _ELF_MACHINES.get(machine, f"machine {machine}") if header[:4] == b"\x7fELF" else "no ELF"


def _called(function: ast.expr) -> str:
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def _build(packages: Path, locks: list[Path], target: Target, services: list[str]) -> None:
    packages.mkdir()
    requirements = _requirements(locks[0])
    for name in [*NOT_NEEDED, *(_requirements(locks[1]) if len(locks) > 1 else ())]:
        requirements.pop(name, None)
    _install(requirements, target, packages)
    _prune(packages, services)
    if target.platform is None:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        compileall.compile_dir(packages, quiet=2, invalidation_mode=mode)
    else:
        _check(packages, target)


def _requirements(lock: Path) -> dict[str, str]:
    """Package name -> its entries in the lock with their hashes (several where markers choose between versions)."""
    found: dict[str, str] = {}
    name = ""
    for line in lock.read_text().splitlines(keepends=True):
        if match := _REQUIREMENT.match(line):
            name = match["name"]
            found[name] = found.get(name, "") + line
        elif name and line.startswith(" "):
            found[name] += line
    return found


def _install(requirements: Mapping[str, str], target: Target, packages: Path) -> None:
    lock = packages / "requirements.txt"
    lock.write_text("".join(requirements.values()))
    # --no-deps: the lock is complete, and what was left out of it is meant to stay out.
    command = [str(Path(sys.executable).with_name("uv")), "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--only-binary", ":all:", "--target", str(packages), "--requirement", str(lock)]
    command += ["--link-mode", "copy"]
    if target.platform is None:
        command += ["--python", sys.executable]
    else:
        command += ["--python-platform", target.platform, "--python-version", target.python]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    lock.unlink()
    if answer.returncode:
        raise LayerFailed(answer.stderr.strip())


def _prune(packages: Path, services: list[str]) -> None:
    for file in packages.rglob("*"):
        if file.is_file() and file.suffix in _UNUSED_SUFFIXES:
            file.unlink()
    for folder in sorted((path for path in packages.rglob("*") if path.is_dir()), reverse=True):
        if folder.name in _UNUSED_FOLDERS or folder.name.endswith(".dist-info"):
            shutil.rmtree(folder, ignore_errors=True)
    data = packages / "botocore" / "data"
    if data.is_dir():
        for path in data.iterdir():
            if path.name not in _BOTOCORE_COMMON and path.name not in services:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if missing := [service for service in services if not (data / service).is_dir()]:
            raise LayerFailed(f"botocore knows no service {', '.join(missing)}")
        _trim(data, services)


def _trim(data: Path, services: list[str]) -> None:
    """Leave out of botocore's data what a client doesn't use: reading it is a good part of a cold start."""
    for examples in data.rglob("examples-1.json*"):
        examples.unlink()
    for packed in data.rglob("service-2.json.gz"):
        model = _undocumented(json.loads(gzip.decompress(packed.read_bytes())))
        packed.with_suffix("").write_text(json.dumps(model, separators=(",", ":")))
        packed.unlink()
    endpoints = json.loads((data / "endpoints.json").read_text())
    for partition in endpoints["partitions"]:
        partition["services"] = {name: service for name, service in partition["services"].items() if name in services}
    (data / "endpoints.json").write_text(json.dumps(endpoints, separators=(",", ":")))


def _undocumented(model: Any) -> Any:
    """A service's model without its texts; a member that happens to be called `documentation` is no text.

    Those of a client's parameters botocore insists on.
    """
    if isinstance(model, dict):
        return {
            name: value if name == "clientContextParams" else _undocumented(value)
            for name, value in model.items()
            if not (name == "documentation" and isinstance(value, str))
        }
    return [_undocumented(value) for value in model] if isinstance(model, list) else model


def _check(packages: Path, target: Target) -> None:
    assert target.platform is not None
    machine = target.platform.split("-")[0]
    for file, found in native_libraries(packages):
        if found != machine:
            raise LayerFailed(f"{file.relative_to(packages)} is for {found}, not {machine}")
        if ".cpython-" in file.name and target.interpreter_tag not in file.name:
            raise LayerFailed(f"{file.relative_to(packages)} isn't for {target.interpreter_tag}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the dependency layers of a stage.")
    parser.add_argument("stage", choices=STAGES)
    runtime = stage_named(parser.parse_args().stage).runtime
    for name in LOCKS:
        if (CHECKOUT / "infra" / "locks" / LOCKS[name]).exists():
            folder = build_layer(name, runtime).path
            print(f"{name}: {unzipped_bytes(folder) / 1e6:.0f} MB in {folder.relative_to(CHECKOUT)}")


if __name__ == "__main__":
    main()
