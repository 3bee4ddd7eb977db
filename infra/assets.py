"""Code assets: for each context one folder with what its functions import, and nothing else.

Whether a change touches a context is seen from its own files, so a changed context is deployed alone.
"""

import ast
import hashlib
import os
import py_compile
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[1]
BUILT = CHECKOUT / ".local"

_COMPOSITION = ("__init__.py", "entry.py", "resources.py")
_UNUSED_KEPT_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class BuiltFolder:
    """`digest` is that of the inputs, so that an asset is the same wherever and whenever it was built."""

    path: Path
    digest: str


def context_code(
    context: str,
    generated: Mapping[str, str] | None = None,
    *,
    compiled: bool,
    checkout: Path = CHECKOUT,
    built: Path = BUILT,
) -> BuiltFolder:
    """The code of a context's functions, with bytecode for this interpreter if `compiled`.

    `generated` holds files that aren't in the checkout, by their path in it. Bytecode takes a quarter of a second off a
    first start, but only the interpreter that runs it can make it.
    """
    files = [checkout / "functions" / name for name in _COMPOSITION]
    for package in ("shared", *(f"functions/{name}" for name in imported_contexts(context, checkout))):
        files += package_files(checkout / package)
    return _build(context, files, generated or {}, compiled=compiled, checkout=checkout, built=built)


def worker_image(checkout: Path = CHECKOUT, built: Path = BUILT) -> BuiltFolder:
    """The build context of the worker's image: the worker, what it imports, and the locks of both stages."""
    locks = checkout / "infra" / "locks"
    files = [checkout / "functions" / "__init__.py", locks / "models.txt", locks / "worker-gpu.txt"]
    packages = {"analysis", *_contexts_imported_by(package_files(checkout / "functions" / "analysis"))}
    for package in ("shared", *(f"functions/{name}" for name in sorted(packages))):
        files += package_files(checkout / package)
    return _build("worker-image", files, {}, compiled=False, checkout=checkout, built=built)


def imported_contexts(context: str, checkout: Path = CHECKOUT) -> list[str]:
    """A context and those whose modules it imports, directly or through another; `functions.entry` belongs to each."""
    functions = checkout / "functions"
    found = {context} | _contexts_imported_by([functions / name for name in _COMPOSITION])
    visited: set[str] = set()
    while unvisited := sorted(found - visited):
        for name in unvisited:
            visited.add(name)
            found |= _contexts_imported_by(package_files(functions / name))
    return sorted(name for name in found if (functions / name).is_dir())


def package_files(package: Path) -> list[Path]:
    """All files of a package but what the interpreter and editors leave there."""
    return [
        file
        for file in sorted(package.rglob("*"))
        if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
    ]


def build_once(folder: Path, build: Callable[[Path], None]) -> None:
    """Fill a folder unless it is there. It appears whole or not at all, also with another process at the same."""
    if folder.exists():
        return
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=".unfinished-", dir=folder.parent))
    try:
        unfinished.chmod(0o755)
        build(unfinished)
        try:
            unfinished.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def forget_unused(current: Path, name: str) -> None:
    """Mark a built folder as used, and delete those of the same name that nobody has used for a week."""
    os.utime(current)
    for folder in current.parent.glob(f"{name}-*"):
        if folder.stat().st_mtime < time.time() - _UNUSED_KEPT_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)


def digest_of(files: Iterable[Path], relative_to: Path, *more: str) -> str:
    inputs = hashlib.sha256("\0".join(more).encode())
    for file in files:
        inputs.update(f"\0{file.relative_to(relative_to).as_posix()}\0".encode())
        inputs.update(hashlib.sha256(file.read_bytes()).digest())
    return inputs.hexdigest()


def _contexts_imported_by(files: Iterable[Path]) -> set[str]:
    names: set[str] = set()
    for file in files:
        if file.suffix == ".py" and file.exists():
            names |= {parts[1] for parts in _imports(file) if parts[0] == "functions" and len(parts) > 1}
    return names - {Path(name).stem for name in _COMPOSITION}


def _imports(file: Path) -> Iterator[list[str]]:
    for node in ast.walk(ast.parse(file.read_bytes(), file.name)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ([*node.module.split("."), alias.name] for alias in node.names)


def _build(
    name: str, files: list[Path], generated: Mapping[str, str], *, compiled: bool, checkout: Path, built: Path
) -> BuiltFolder:
    files = sorted(file for file in files if file.exists())
    inputs = [part for path, text in sorted(generated.items()) for part in (path, text)]
    digest = digest_of(files, checkout, sys.version if compiled else "", *inputs)
    folder = built / "assets" / f"{name}-{digest[:16]}"

    def copy(target: Path) -> None:
        for file in files:
            copied = target / file.relative_to(checkout)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copied)
            if compiled and file.suffix == ".py":
                # Unchecked, because a package's files get new times when it is unpacked.
                mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
                shown = f"/var/task/{file.relative_to(checkout)}"
                py_compile.compile(str(copied), dfile=shown, doraise=True, invalidation_mode=mode)

        for path, text in generated.items():
            (target / path).write_text(text)

    build_once(folder, copy)
    forget_unused(folder, name)
    return BuiltFolder(folder, digest)
