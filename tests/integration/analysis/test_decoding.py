"""Files as they come: good, odd and broken ones."""

import struct
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from functions.analysis.decode import Mark, Video
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.frames import Frame
from functions.analysis.sound import Sound
from tests.support.clips import Picture, music, plain, scene, write_clip, write_sound


def two_takes(frames_each: int = 30, width: int = 320, height: int = 180) -> list[Picture]:
    return scene(1, frames_each, width=width, height=height) + scene(2, frames_each, width=width, height=height)


def decode(path: Path) -> tuple[Video, list[int], int]:
    """The video, the times of its frames and how many samples of sound it has."""
    with Video(path) as video:
        times, samples = [], 0
        for piece in video:
            match piece:
                case Frame():
                    assert piece.thumbnail.shape == (108, 128)
                    assert max(piece.picture(64).shape[:2]) <= 64
                    times.append(piece.start_ms)
                case Sound():
                    samples += piece.samples.size
    return video, times, samples


def reason_of(path: Path) -> FailureReason:
    with pytest.raises(AnalysisFailed) as failure:
        decode(path)
    return failure.value.reason


def test_one_pass_gives_every_frame_and_the_whole_sound(tmp_path: Path) -> None:
    video, times, samples = decode(write_clip(tmp_path / "a.mp4", two_takes(), sound=music(2.5)))
    assert times == [round(index * 1000 / 24) for index in range(60)]
    assert video.duration_ms == 2500
    assert abs(samples - 2.5 * 16_000) < 1600


def test_sound_that_nobody_listens_to_is_left_out_and_the_pictures_are_the_same(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", two_takes(), sound=music(2.5))
    with Video(path, chunk_ms=1_000) as video:
        video.is_heard = False
        pieces = list(video)
    assert not any(isinstance(piece, Sound) for piece in pieces)
    assert [piece.start_ms for piece in pieces if isinstance(piece, Frame)] == decode(path)[1]
    assert [piece for piece in pieces if isinstance(piece, Mark)] == [Mark(24, None), Mark(48, None)]


@pytest.mark.parametrize(
    ("name", "codec", "pixel_format"),
    [
        ("a.webm", "libvpx-vp9", "yuv420p"),
        ("a.mkv", "ffv1", "yuv444p10le"),
        ("b.mkv", "ffv1", "gray"),
        ("c.mkv", "ffv1", "bgra"),
        ("a.mp4", "libx264", "yuv444p"),
        ("a.avi", "mpeg4", "yuv420p"),
        ("a.ts", "libx264", "yuv420p"),
        ("a.flv", "libx264", "yuv420p"),
    ],
)
def test_containers_codecs_and_pixel_formats(tmp_path: Path, name: str, codec: str, pixel_format: str) -> None:
    video, times, _ = decode(write_clip(tmp_path / name, two_takes(), codec=codec, pixel_format=pixel_format))
    assert len(times) == 60
    assert 2400 <= video.duration_ms <= 2600


@pytest.mark.parametrize(("width", "height"), [(16, 16), (2000, 16), (16, 2000), (321, 181)])
def test_odd_sizes(tmp_path: Path, width: int, height: int) -> None:
    video, _, _ = decode(write_clip(tmp_path / "a.mkv", two_takes(3, width, height), codec="ffv1"))
    assert (video.info.width, video.info.height) == (width, height)


@pytest.mark.parametrize("frames", [1, 5])
def test_videos_shorter_than_a_second(tmp_path: Path, frames: int) -> None:
    video, times, _ = decode(write_clip(tmp_path / "a.mp4", scene(1, frames)))
    assert len(times) == frames
    assert video.duration_ms == round(frames * 1000 / 24)


def test_a_variable_frame_rate_keeps_its_times(tmp_path: Path) -> None:
    given = [index * 40 + index // 10 * 700 for index in range(60)]
    _, times, _ = decode(write_clip(tmp_path / "a.mkv", two_takes(), times_ms=given))
    assert times == given


def test_a_picture_is_turned_upright(tmp_path: Path) -> None:
    # Red on the left; the container says "turn a quarter clockwise", so red belongs on top.
    picture = np.concatenate([plain((255, 0, 0), 1, width=160)[0], plain((0, 0, 255), 1, width=160)[0]], axis=1)
    path = write_clip(tmp_path / "a.mp4", [picture] * 10)
    content = bytearray(path.read_bytes())
    matrix = content.index(b"tkhd") + 44
    content[matrix : matrix + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 180 << 16, 0, 1 << 30)
    path.write_bytes(content)
    with Video(path) as video:
        frame = next(piece for piece in video if isinstance(piece, Frame))
        upright = frame.picture(320)
    height, width = upright.shape[:2]
    assert (width, height) == (180, 320)
    assert upright[height // 4, width // 2, 2] > 200
    assert upright[3 * height // 4, width // 2, 0] > 200


def _text(path: Path) -> None:
    path.write_text("This is not a video.\n" * 500)


def _noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(200_000))


def _playlist(path: Path) -> None:
    secret = write_clip(path.parent / "other.mp4", two_takes())
    path.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n")


def _script(path: Path) -> None:
    secret = write_clip(path.parent / "other.mp4", two_takes())
    path.write_text(f"ffconcat version 1.0\nfile {secret}\n")


def _photograph(path: Path) -> None:
    path.write_bytes(cv2.imencode(".png", scene(1, 1)[0])[1].tobytes())


def _half(path: Path) -> None:
    content = write_clip(path, two_takes(), sound=music(2.5)).read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _most_of_a_streamable_one(path: Path) -> None:
    content = write_clip(path, two_takes(), sound=music(2.5), options={"movflags": "+faststart"}).read_bytes()
    path.write_bytes(content[: len(content) * 9 // 10])


def _half_of_a_matroska(path: Path) -> None:
    made = write_clip(path.with_suffix(".mkv"), two_takes(60)).read_bytes()
    path.write_bytes(made[: len(made) // 2])


def _sound_alone(path: Path) -> None:
    write_sound(path, music(2))


def _zeros_inside(path: Path) -> None:
    content = bytearray(write_clip(path, two_takes(200, 640, 360), options={"movflags": "+faststart"}).read_bytes())
    start = content.index(b"mdat") + 4
    content[start:] = bytes(len(content) - start)
    path.write_bytes(content)


def _vast(path: Path) -> None:
    made = write_clip(path.with_suffix(".mkv"), plain((0, 0, 0), 1, width=9000, height=9000), codec="ffv1")
    path.write_bytes(made.read_bytes())


def _ten_hours(path: Path) -> None:
    made = write_clip(path.with_suffix(".mkv"), scene(1, 2), times_ms=[0, 10 * 60 * 60 * 1000])
    path.write_bytes(made.read_bytes())


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_bytes(b""), FailureReason.EMPTY_FILE),
        (lambda path: path.write_bytes(b"x"), FailureReason.NOT_A_VIDEO),
        (_text, FailureReason.NOT_A_VIDEO),
        (_noise, FailureReason.NOT_A_VIDEO),
        (_playlist, FailureReason.NOT_A_VIDEO),
        (_script, FailureReason.NOT_A_VIDEO),
        (_photograph, FailureReason.NOT_A_VIDEO),
        (_half, FailureReason.TRUNCATED_VIDEO),
        (_most_of_a_streamable_one, FailureReason.TRUNCATED_VIDEO),
        (_half_of_a_matroska, FailureReason.TRUNCATED_VIDEO),
        (_sound_alone, FailureReason.NO_VIDEO_STREAM),
        (_zeros_inside, FailureReason.CORRUPT),
        (_vast, FailureReason.PICTURE_TOO_LARGE),
        (_ten_hours, FailureReason.TOO_LONG),
    ],
)
def test_a_file_that_is_no_whole_video_fails_with_its_reason(
    tmp_path: Path, make: Callable[[Path], object], reason: FailureReason
) -> None:
    path = tmp_path / "upload.mp4"
    make(path)
    assert reason_of(path) is reason


@pytest.mark.parametrize("is_heard", [True, False])
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_the_last_picture_stands_as_long_as_there_is_sound_and_all_of_it_is_progress(
    tmp_path: Path, name: str, is_heard: bool
) -> None:
    path = write_clip(tmp_path / name, two_takes(), sound=music(10.0))
    with Video(path) as video:
        video.is_heard = is_heard
        shares = [video.share_read for _ in video]
    assert video.duration_ms == pytest.approx(10_000, abs=100)
    assert shares == sorted(shares)
    if is_heard:
        assert max(later - earlier for earlier, later in pairwise(shares)) < 0.05


def test_sound_that_ends_a_moment_after_the_pictures_makes_no_video_longer(tmp_path: Path) -> None:
    assert decode(write_clip(tmp_path / "a.mp4", two_takes(), sound=music(2.9)))[0].duration_ms == 2500


def test_a_sound_that_runs_on_beyond_the_announced_end_is_refused(tmp_path: Path) -> None:
    path = write_clip(tmp_path / "a.mp4", two_takes(), sound=music(15.0))
    assert list(Video(path, announced_ms=15_000))
    with pytest.raises(AnalysisFailed) as failure:
        list(Video(path, announced_ms=2_500))
    assert failure.value.reason is FailureReason.LONGER_THAN_ANNOUNCED


def test_a_video_that_runs_on_beyond_its_announced_end_is_refused(tmp_path: Path) -> None:
    """Else a forged header would buy an analysis for less than it takes."""
    path = write_clip(tmp_path / "a.mp4", scene(1, 30), rate=2)
    assert list(Video(path, announced_ms=15_000))
    for announced_ms in (0, 1_000, 4_000):
        with pytest.raises(AnalysisFailed) as failure:
            list(Video(path, announced_ms=announced_ms))
        assert failure.value.reason is FailureReason.LONGER_THAN_ANNOUNCED
