from pathlib import Path

import pytest

from tests.support.clips import music, scene, write_clip


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second and a half of video with sound."""
    path: Path = tmp_path_factory.mktemp("videos") / "clip.mp4"
    return write_clip(path, scene(1, 36), sound=music(1.5)).read_bytes()


@pytest.fixture(scope="session")
def longer_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two minutes and five seconds of video, at one frame a second."""
    path: Path = tmp_path_factory.mktemp("videos") / "longer.mp4"
    return write_clip(path, scene(1, 125), rate=1, sound=music(125.0, rate=8_000), sound_rate=8_000).read_bytes()


@pytest.fixture(scope="session")
def silent_clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A second and a half of video without a sound track."""
    path: Path = tmp_path_factory.mktemp("videos") / "silent.mp4"
    return write_clip(path, scene(1, 36)).read_bytes()
