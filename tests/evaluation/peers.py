"""PySceneDetect, in an environment of its own: it wants another OpenCV than the worker's."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.evaluation.sources import CACHE

_PACKAGES = (
    "scenedetect==0.7.2",
    "opencv-python-headless==5.0.0.93",
    "numpy==2.4.6",
    "click==8.3.1",
    "platformdirs==4.14.7",
    "tqdm==4.70.1",
)
_STAMP = "packages.txt"
# Default settings, as its documentation detects scenes.
_SCRIPT = """\
import json, sys
from scenedetect import AdaptiveDetector, ContentDetector, detect
print(json.dumps({
    f"PySceneDetect {name}": [start.frame_num for start, _ in detect(sys.argv[1], detector)][1:]
    for name, detector in (("content", ContentDetector()), ("adaptive", AdaptiveDetector()))
}))
"""


def environment() -> Path:
    """The interpreter of the environment, which is made where it is missing or doesn't work."""
    folder = CACHE / "peers"
    if not _works(folder):
        CACHE.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="peers-", dir=CACHE) as temporary:
            # Under another name until it is whole, so that a set-up that was interrupted is never taken for one.
            made = Path(temporary) / "made"
            _make(made)
            if folder.exists():
                folder.rename(Path(temporary) / "old")
            made.rename(folder)
    return _python(folder)


def detect(python: Path, clip: Path) -> dict[str, list[int]]:
    """The first frames of all scenes but the first one, by detector."""
    found: dict[str, list[int]] = json.loads(_run([str(python), "-W", "ignore", "-c", _SCRIPT, str(clip)]))
    return found


def command_line(python: Path, clip: Path) -> list[str]:
    """Detecting scenes by content, and nothing else. (The script of a folder that moved names another.)"""
    return [str(python), "-m", "scenedetect", "--quiet", "--input", str(clip), "detect-content"]


def _works(folder: Path) -> bool:
    """Whether it holds these packages and they run: the interpreter that it was made of may be gone."""
    stamp, python = folder / _STAMP, _python(folder)
    if not stamp.exists() or stamp.read_text() != "\n".join(_PACKAGES) or not python.exists():
        return False
    return subprocess.run([python, "-m", "scenedetect", "version"], capture_output=True, timeout=60).returncode == 0


def _make(folder: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    # Without what it asks for: that would be the OpenCV with windows.
    _run([uv, "pip", "install", "--quiet", "--no-deps", "--python", str(_python(folder)), *_PACKAGES])
    (folder / _STAMP).write_text("\n".join(_PACKAGES))


def _python(folder: Path) -> Path:
    return folder / "bin" / "python"


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
