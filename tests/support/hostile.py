"""Files that are made to break whoever reads them, and clips with damage at random places."""

import struct
from collections.abc import Callable, Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from random import Random

import av
import numpy as np

from tests.support.clips import music, plain, scene, write_clip

_FORMS = {
    "mp4": ("libx264", "yuv420p"),
    "mkv": ("libx264", "yuv420p"),
    "webm": ("libvpx", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"),
    "ts": ("libx264", "yuv420p"),
    "flv": ("libx264", "yuv420p"),
}


def mutated(folder: Path, count: int, seed: int) -> Iterator[Path]:
    """Clips in the forms that people upload, each with damage of one kind. One seed gives the same files again."""
    random = Random(seed)
    whole = {
        form: write_clip(
            folder / f"whole.{form}",
            scene(1, 36) + scene(2, 36),
            codec=codec,
            sound=None if form == "webm" else music(3.0),
        ).read_bytes()
        for form, (codec, _) in _FORMS.items()
    }
    for number in range(count):
        form = random.choice(sorted(whole))
        kind = random.choice(sorted(_DAMAGE))
        path = folder / f"{number:03}-{kind}.{form}"
        path.write_bytes(_DAMAGE[kind](bytearray(whole[form]), random))
        yield path


def _flipped(body: bytearray, random: Random) -> bytes:
    for _ in range(random.choice((1, 10, 200))):
        body[random.randrange(len(body))] ^= 1 << random.randrange(8)
    return bytes(body)


def _flipped_header(body: bytearray, random: Random) -> bytes:
    for _ in range(random.choice((1, 5, 20))):
        body[random.randrange(min(1024, len(body)))] = random.randrange(256)
    return bytes(body)


def _flipped_end(body: bytearray, random: Random) -> bytes:
    """Where the index of an MP4 is."""
    for _ in range(random.choice((1, 5, 50))):
        body[-1 - random.randrange(min(4096, len(body)))] = random.randrange(256)
    return bytes(body)


def _cut(body: bytearray, random: Random) -> bytes:
    return bytes(body[: random.randrange(len(body))])


def _hole(body: bytearray, random: Random) -> bytes:
    start, length = random.randrange(len(body)), random.randrange(1, len(body) // 3)
    return bytes(body[:start] + body[start + length :])


def _blank(body: bytearray, random: Random) -> bytes:
    start, length = random.randrange(len(body)), random.randrange(1, len(body) // 3)
    body[start : start + length] = bytes(len(body[start : start + length]))
    return bytes(body)


def _repeated(body: bytearray, random: Random) -> bytes:
    start, length = random.randrange(len(body)), random.randrange(1, len(body) // 3)
    return bytes(body[: start + length] + body[start:])


def _large_numbers(body: bytearray, random: Random) -> bytes:
    """Lengths and counts that promise more than there is."""
    for _ in range(random.choice((1, 4, 16))):
        start = random.randrange(len(body) - 4)
        body[start : start + 4] = random.choice((b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff", b"\x00\x00\x00\x00"))
    return bytes(body)


_DAMAGE: Mapping[str, Callable[[bytearray, Random], bytes]] = {
    "flipped": _flipped,
    "flipped-header": _flipped_header,
    "flipped-end": _flipped_end,
    "cut": _cut,
    "hole": _hole,
    "blank": _blank,
    "repeated": _repeated,
    "large-numbers": _large_numbers,
}


def hostile(folder: Path) -> Iterator[Path]:
    for make in (
        absurd_dimensions,
        dimensions_that_grow,
        no_frame_rate,
        a_thousand_streams,
        timestamps_that_leap,
        a_table_of_four_billion_entries,
        boxes_within_boxes,
        an_hour_of_nothing,
    ):
        yield make(folder)


def absurd_dimensions(folder: Path) -> Path:
    """A black picture of 20,000 by 10,000, which takes a few kilobytes."""
    path = folder / "absurd-dimensions.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("png", rate=1)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "monob", 20_000, 10_000
        frame = av.VideoFrame(20_000, 10_000, "monob")
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


def dimensions_that_grow(folder: Path) -> Path:
    """What announces itself as small: the size in the container is another than that in the stream."""
    path = absurd_dimensions(folder)
    body = bytearray(path.read_bytes())
    at = body.find(struct.pack(">HH", 20_000, 10_000))
    assert at >= 0
    body[at : at + 4] = struct.pack(">HH", 64, 64)
    grown = folder / "dimensions-that-grow.mov"
    grown.write_bytes(body)
    return grown


def no_frame_rate(folder: Path) -> Path:
    """An AVI whose header says zero frames a second."""
    path = write_clip(folder / "no-frame-rate.avi", scene(1, 24), codec="mpeg4")
    body = bytearray(path.read_bytes())
    at = body.find(b"strh") + 8
    body[at + 24 : at + 28] = bytes(4)
    main = body.find(b"avih") + 8
    body[main : main + 4] = bytes(4)
    path.write_bytes(body)
    return path


def a_thousand_streams(folder: Path) -> Path:
    path = folder / "a-thousand-streams.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "yuv420p", 64, 36
        for _ in range(999):
            container.add_stream("pcm_u8", rate=8_000, layout="mono")
        for picture in plain((9, 9, 9), 24, width=64, height=36):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def timestamps_that_leap(folder: Path) -> Path:
    """Frames hours apart, then back again."""
    path = folder / "timestamps-that-leap.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "yuv420p", 64, 36
        stream.codec_context.gop_size = 1
        for index, picture in enumerate(plain((9, 90, 9), 48, width=64, height=36)):
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                packet.time_base = Fraction(1, 1000)
                packet.pts = packet.dts = index * 3_000_000
                container.mux(packet)
    return path


def a_table_of_four_billion_entries(folder: Path) -> Path:
    """An MP4 whose sample table promises more samples than there is memory."""
    path = write_clip(folder / "a-table-of-four-billion-entries.mp4", scene(1, 24))
    body = bytearray(path.read_bytes())
    for table in (b"stsz", b"stts", b"stsc", b"stco"):
        at = body.find(table)
        assert at >= 0
        count = at + (12 if table == b"stsz" else 8)
        body[count : count + 4] = b"\xff\xff\xff\xfe"
    path.write_bytes(body)
    return path


def boxes_within_boxes(folder: Path) -> Path:
    """Fifty thousand boxes, each within the one before."""
    depth = 50_000
    lengths = 8 * np.arange(depth, 0, -1, dtype=np.uint32)
    body = b"".join(
        struct.pack(">I4s", int(length), b"moov" if index == 0 else b"trak") for index, length in enumerate(lengths)
    )
    path = folder / "boxes-within-boxes.mp4"
    path.write_bytes(struct.pack(">I4s4sI", 16, b"ftyp", b"isom", 0) + body)
    return path


def an_hour_of_nothing(folder: Path) -> Path:
    """A large black picture that stays for an hour, at 60 frames a second: kilobytes that take hours to decode."""
    path = folder / "an-hour-of-nothing.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=60, options={"preset": "ultrafast", "g": "100000"})
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "yuv420p", 3840, 2160
        frame = av.VideoFrame(3840, 2160, "yuv420p")
        packets = []
        for index in range(90):
            frame.pts = index
            packets.extend(stream.encode(frame))
        packets.extend(stream.encode(None))
        for packet in packets[:30]:
            container.mux(packet)
        # The same difference to the picture before, over and over.
        again, spacing = bytes(packets[29]), (packets[1].pts or 0) - (packets[0].pts or 0)
        for index in range(30, 216_000):
            packet = av.Packet(again)
            packet.stream, packet.time_base = stream, packets[29].time_base
            packet.pts = packet.dts = index * spacing
            container.mux(packet)
    return path
