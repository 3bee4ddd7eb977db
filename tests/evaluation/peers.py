"""PySceneDetect, in an environment of its own: it wants another OpenCV than the worker's."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.evaluation.sources import CACHE

_PACKAGES = (
    "scenedetect==0.7.2",
    "opencv-python-headless==5.0.0.93",
    "numpy==2.4.6",
    "click==8.3.1",
    "platformdirs==4.14.7",
    "tqdm==4.70.1",
)
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
    """The interpreter of the environment, which is made where it is missing."""
    folder = CACHE / "peers"
    python = folder / "bin" / "python"
    stamp = folder / "packages.txt"
    if not stamp.exists() or stamp.read_text() != "\n".join(_PACKAGES):
        uv = str(Path(sys.executable).with_name("uv"))
        _run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)])
        # Without what it asks for: that would be the OpenCV with windows.
        _run([uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python), *_PACKAGES])
        stamp.write_text("\n".join(_PACKAGES))
    return python


def detect(python: Path, clip: Path) -> dict[str, list[int]]:
    """The first frames of all scenes but the first one, by detector."""
    found: dict[str, list[int]] = json.loads(_run([str(python), "-W", "ignore", "-c", _SCRIPT, str(clip)]))
    return found


def command_line(python: Path, clip: Path) -> list[str]:
    """Detecting scenes by content, and nothing else."""
    return [str(python.with_name("scenedetect")), "--quiet", "--input", str(clip), "detect-content"]


def _run(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=600).stdout
