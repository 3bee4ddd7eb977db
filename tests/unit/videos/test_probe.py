import io
import random
from pathlib import Path

import numpy as np
import pytest

from functions.videos.adapters.probe import probe
from functions.videos.adapters.uploads import ReadLimitExceeded, UploadGone
from functions.videos.domain.media import MediaInfo, Rejection, RejectionReason, judge
from tests.support.clips import music, plain, scene, write_clip, write_sound


class InMemoryFile(io.BytesIO):
    """Gives up after reading `limit` bytes."""

    def __init__(self, body: bytes, limit: int | None = None) -> None:
        super().__init__(body)
        self.size = len(body)
        self.failure: ReadLimitExceeded | UploadGone | None = None
        self._left = limit

    def read(self, size: int | None = -1) -> bytes:
        part = super().read(size)
        if self._left is not None:
            self._left -= len(part)
            if self._left < 0:
                self.failure = ReadLimitExceeded("enough")
                raise self.failure
        return part


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mp4", scene(1, 36)).read_bytes()


def test_a_video_tells_its_length_and_size(clip: bytes) -> None:
    assert probe(InMemoryFile(clip)) == MediaInfo(duration_ms=1500, width=320, height=180, has_audio=False)


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_a_video_tells_whether_it_can_be_heard(tmp_path: Path, ending: str) -> None:
    for sound in (None, music(1.0)):
        found = probe(InMemoryFile(write_clip(tmp_path / f"clip.{ending}", scene(1, 24), sound=sound).read_bytes()))

        assert isinstance(found, MediaInfo)
        assert found.has_audio == (sound is not None)


def test_a_matroska_video(tmp_path: Path) -> None:
    found = probe(InMemoryFile(write_clip(tmp_path / "clip.mkv", scene(1, 24)).read_bytes()))

    assert isinstance(found, MediaInfo)
    assert abs(found.duration_ms - 1000) <= 42


def test_a_recording_without_announced_length_is_measured(tmp_path: Path) -> None:
    # Live Matroska is how a browser's recorder writes WebM: the length isn't known when the header is written.
    path = write_clip(tmp_path / "clip.mkv", scene(1, 48), options={"live": "1"})

    found = probe(InMemoryFile(path.read_bytes()))

    assert isinstance(found, MediaInfo)
    assert abs(found.duration_ms - 2000) <= 42


def test_a_recording_that_would_have_to_be_read_too_far_is_unreadable(tmp_path: Path) -> None:
    body = write_clip(tmp_path / "clip.mkv", scene(1, 240, grain=40), options={"live": "1"}).read_bytes()
    # Enough for the header and the streams, not for all of the packets.
    found = probe(InMemoryFile(body, limit=len(body) // 2))

    assert found == Rejection(RejectionReason.UNREADABLE)


def test_an_empty_file() -> None:
    assert probe(InMemoryFile(b"")) == Rejection(RejectionReason.EMPTY_FILE)


@pytest.mark.parametrize(
    "body",
    [
        b"x",
        b"This is a text, whatever its name says.\n" * 200,
        random.Random(1).randbytes(100_000),
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"\x89PNG\r\n\x1a\n" + bytes(1000),
        b"%PDF-1.7\n" + bytes(5000),
        bytes(4096),
    ],
    ids=["byte", "text", "noise", "playlist", "concat", "png", "pdf", "zeros"],
)
def test_what_is_no_video(body: bytes) -> None:
    found = probe(InMemoryFile(body))

    assert isinstance(found, Rejection)
    assert found.reason in (RejectionReason.NOT_A_VIDEO, RejectionReason.NO_VIDEO_STREAM)


def test_a_text_is_called_no_video() -> None:
    assert probe(InMemoryFile(b"Hello, world\n" * 500)) == Rejection(RejectionReason.NOT_A_VIDEO)


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_video(clip: bytes, share: float) -> None:
    assert probe(InMemoryFile(clip[: int(len(clip) * share)])) == Rejection(RejectionReason.TRUNCATED_VIDEO)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_a_truncated_video_whose_description_comes_first(tmp_path: Path, share: float) -> None:
    path = tmp_path / "clip.mp4"
    whole = write_clip(path, scene(1, 36), options={"movflags": "faststart"}).read_bytes()

    assert probe(InMemoryFile(whole[: int(len(whole) * share)])) == Rejection(RejectionReason.TRUNCATED_VIDEO)


def test_sound_alone(tmp_path: Path) -> None:
    tone = (np.sin(np.arange(44_100) / 10) * 8000).astype(np.int16)
    body = write_sound(tmp_path / "sound.mp4", tone).read_bytes()

    assert probe(InMemoryFile(body)) == Rejection(RejectionReason.NO_VIDEO_STREAM)


def test_a_single_picture_is_a_very_short_video(tmp_path: Path) -> None:
    found = probe(InMemoryFile(write_clip(tmp_path / "clip.mp4", plain((9, 9, 9), 1)).read_bytes()))

    assert isinstance(found, MediaInfo)
    assert 0 < found.duration_ms <= 42


def test_a_picture_too_large_to_analyse_is_measured(tmp_path: Path) -> None:
    huge = plain((200, 10, 10), 1, width=8256, height=4352)
    body = write_clip(tmp_path / "clip.mkv", huge, codec="mjpeg", pixel_format="yuvj420p").read_bytes()

    found = probe(InMemoryFile(body))

    assert isinstance(found, MediaInfo)
    assert judge(found, max_minutes=30) == Rejection(RejectionReason.PICTURE_TOO_LARGE)


@pytest.mark.parametrize("seed", range(30))
def test_a_damaged_file_is_judged_without_being_read_for_ever(clip: bytes, seed: int) -> None:
    dice = random.Random(seed)
    damaged = bytearray(clip)
    for _ in range(40):
        # The description lies at the end.
        damaged[dice.randrange(len(clip) - 2500, len(clip))] = dice.randrange(256)

    found = probe(InMemoryFile(bytes(damaged), limit=len(clip) * 20))

    assert isinstance(found, MediaInfo | Rejection)
