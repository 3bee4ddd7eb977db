"""A pass that begins at a mark sees and hears what an uninterrupted one does from there."""

import json
import random
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from functions.analysis.decode import Mark, PositionLost, Video
from functions.analysis.frames import Frame
from functions.analysis.sound import Sound
from tests.support.clips import Picture, captioned, music, scene

CHUNK_MS = 1_000

Heard = tuple[int, bytes]
Seen = tuple[int, int, int]


def write(path: Path, pictures: Sequence[Picture], *, video: str, audio: str, options: dict[str, str]) -> Path:
    """A clip whose sound and pictures lie beside each other in the file, as in most files."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(video, rate=24, options=options)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt = "yuv420p"
        stream.height, stream.width = pictures[0].shape[:2]
        sound_rate = 48_000
        track = container.add_stream(audio, rate=sound_rate, layout="mono")
        assert isinstance(track, av.AudioStream)
        tune = music(len(pictures) / 24, rate=sound_rate)
        heard = 0
        for index, picture in enumerate(pictures):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            while heard * 24 < (index + 1) * sound_rate and heard < tune.size:
                piece = av.AudioFrame.from_ndarray(tune[None, heard : heard + 960], format="s16", layout="mono")
                piece.rate, piece.pts, piece.time_base = sound_rate, heard, Fraction(1, sound_rate)
                container.mux(track.encode(piece))
                heard += 960
        container.mux(stream.encode(None))
        container.mux(track.encode(None))
    return path


def moving(seconds: int) -> list[Picture]:
    return [picture for second in range(seconds) for picture in scene(second // 2, 24, pan=2, grain=4)]


FORMS = {
    "mp4 with B-frames": ("a.mp4", "libx264", "flac", {"preset": "veryfast", "g": "24"}),
    "mp4 with open groups": (
        "a.mp4",
        "libx264",
        "flac",
        {"preset": "veryfast", "g": "24", "x264-params": "open-gop=1"},
    ),
    "mp4 with rolling refresh": (
        "a.mp4",
        "libx264",
        "flac",
        {"preset": "veryfast", "g": "24", "x264-params": "intra-refresh=1"},
    ),
    "mp4 with one keyframe": ("a.mp4", "libx264", "flac", {"preset": "veryfast", "g": "1000"}),
    "matroska": ("a.mkv", "mpeg4", "pcm_s16le", {"g": "12"}),
    "webm": ("a.webm", "libvpx", "libopus", {"deadline": "realtime", "g": "24"}),
}


def digest(frame: Frame) -> Seen:
    return frame.index, frame.start_ms, zlib.crc32(frame.thumbnail.tobytes())


@pytest.mark.parametrize("form", FORMS)
def test_a_pass_from_a_mark_continues_exactly(tmp_path: Path, form: str) -> None:
    name, video_codec, audio_codec, options = FORMS[form]
    path = write(tmp_path / name, moving(6), video=video_codec, audio=audio_codec, options=options)
    seen: list[Seen] = []
    heard: list[Heard] = []
    held: list[Frame] = []
    positions = []
    with Video(path, chunk_ms=CHUNK_MS) as video:
        for piece in video:
            match piece:
                case Frame():
                    seen.append(digest(piece))
                    held = [*held[-10:], piece]
                case Sound():
                    heard.append((piece.start_ms, piece.samples.tobytes()))
                case Mark():
                    positions.append((video.position(piece, held), len(heard)))
    assert len(positions) == 5
    assert len(seen) == 144
    for position, heard_before in positions:
        if "refresh" in form and position.packet:
            # It has no picture to begin with, so one has to begin with the first.
            with pytest.raises(PositionLost), Video(path, chunk_ms=CHUNK_MS, position=position) as video:
                list(video)
            position = replace(position, packet=0)
        seen_again: list[Seen] = []
        heard_again: list[Heard] = []
        with Video(path, chunk_ms=CHUNK_MS, position=position) as video:
            for piece in video:
                match piece:
                    case Frame():
                        seen_again.append(digest(piece))
                    case Sound():
                        heard_again.append((piece.start_ms, piece.samples.tobytes()))
                    case Mark():
                        assert piece.frames > position.mark.frames
        assert seen_again == seen[position.first_frame :]
        assert position.first_frame == max(0, position.mark.frames - 11)
        if audio_codec != "libopus":
            assert heard_again == heard[heard_before:]
        else:
            # Opus is defined up to rounding after 80 ms.
            assert [start for start, _ in heard_again] == [start for start, _ in heard[heard_before:]]


def test_only_what_follows_the_last_keyframe_is_decoded_again(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.mp4", moving(6), video="libx264", audio="flac", options={"preset": "veryfast", "g": "24"}
    )
    with Video(path, chunk_ms=CHUNK_MS) as video:
        last = None
        positions = []
        for piece in video:
            if isinstance(piece, Frame):
                last = piece
            elif isinstance(piece, Mark) and last is not None:
                positions.append(video.position(piece, [last]))
    assert positions[0].packet == 0
    assert all(earlier.packet < later.packet for earlier, later in pairwise(positions[1:]))


def test_timestamps_that_err_have_no_marks(tmp_path: Path) -> None:
    """What was made up for them depends on all that went before."""
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.height, stream.width = "yuv420p", 90, 160
        stream.codec_context.gop_size = 1
        for index, picture in enumerate(scene(1, 96, width=160, height=90)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                if index > 12:
                    # Every fourth picture bears the time of the one before.
                    packet.pts = packet.dts = (packet.pts or 0) - (index % 4 == 0)
                container.mux(packet)
    with Video(path, chunk_ms=CHUNK_MS) as video:
        assert not [piece for piece in video if isinstance(piece, Mark)]


@pytest.mark.clips
def test_a_worker_killed_at_random_ends_with_the_results_of_one_that_was_not(tmp_path: Path) -> None:
    size = {"width": 640, "height": 360}
    pictures = [
        picture
        for number in range(12)
        for picture in captioned(scene(number, 36, pan=1, **size), f"Chapter number {number}", scale=1.2)
    ]
    clip = write(tmp_path / "a.mp4", pictures, video="libx264", audio="flac", options={"preset": "veryfast", "g": "24"})

    def command(results: Path) -> list[str]:
        options = ["--features", "shots,text,speech", "--chunk-ms", "2000", "--results", str(results)]
        return [
            sys.executable,
            "-m",
            "functions.analysis.measure",
            str(clip),
            *options,
            "--checkpoint",
            f"{results}.checkpoint",
        ]

    subprocess.run(command(tmp_path / "whole"), check=True, capture_output=True, timeout=120)
    checkpoint = tmp_path / "broken.checkpoint"
    moment = random.Random(20261121)
    kills = 0
    while kills < 4:
        reached = checkpoint.read_bytes() if checkpoint.exists() else None
        with subprocess.Popen(command(tmp_path / "broken"), stdout=subprocess.DEVNULL) as worker:
            while worker.poll() is None and (not checkpoint.exists() or checkpoint.read_bytes() == reached):
                time.sleep(0.01)
            with suppress(subprocess.TimeoutExpired):
                worker.wait(moment.uniform(0.0, 0.3))
            worker.kill()
        if worker.returncode != -signal.SIGKILL:
            assert worker.returncode == 0
            break
        kills += 1
    else:
        subprocess.run(command(tmp_path / "broken"), check=True, capture_output=True, timeout=120)
    assert kills, "it was never killed"
    whole = {path.relative_to(tmp_path / "whole"): path.read_bytes() for path in (tmp_path / "whole").rglob("*.*")}
    broken = {path.relative_to(tmp_path / "broken"): path.read_bytes() for path in (tmp_path / "broken").rglob("*.*")}
    for contents in (whole, broken):
        for name in ("manifest.json", "analysis.json"):
            document = json.loads(contents[Path(name)])
            (document if name == "manifest.json" else document["manifest"]).pop("work")
            contents[Path(name)] = json.dumps(document).encode()
    assert broken == whole
    assert not checkpoint.exists()
