"""Files that are unusual, and yet videos: what a worker has to make something of. And some that are none."""

import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from tests.support.clips import Picture, music, scene, write_clip, write_sound

_SMALL = {"width": 160, "height": 90}


def unusual(folder: Path) -> Iterator[Path]:
    """A worker completes each of them."""
    for make in _UNUSUAL.values():
        yield make(folder)


def no_videos(folder: Path) -> Iterator[Path]:
    """Each of them ends with a reason."""
    for make in (sound_alone, a_picture, half_an_index):
        yield make(folder)


def _encoded(
    pixel_format: str, *, codec: str = "libx264", ending: str = "mkv", width: int = 160, height: int = 90
) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        pictures = scene(1, 24, width=width, height=height)
        path = folder / f"{codec}-{pixel_format}-{width}x{height}.{ending}"
        return write_clip(path, pictures, codec=codec, pixel_format=pixel_format)

    return make


def _heard(rate: int, layout: str, *, codec: str = "pcm_s16le", seconds: float = 1.0) -> Callable[[Path], Path]:
    """A second of pictures with sound of another form, or length."""

    def make(folder: Path) -> Path:
        path = folder / f"{codec}-{rate}-{layout}-{seconds:.0f}s.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mpeg4", rate=24)
            assert isinstance(stream, av.VideoStream)
            stream.pix_fmt, stream.width, stream.height = "yuv420p", 160, 90
            track = container.add_stream(codec, rate=rate, layout=layout)
            assert isinstance(track, av.AudioStream)
            for picture in scene(1, 24, **_SMALL):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(stream.encode(None))
            channels = av.AudioLayout(layout).nb_channels
            sound = np.repeat(music(seconds, rate=rate)[:, None], channels, axis=1).reshape(1, -1)
            for start in range(0, sound.size, 1024 * channels):
                frame = av.AudioFrame.from_ndarray(
                    sound[:, start : start + 1024 * channels], format="s16", layout=layout
                )
                frame.rate, frame.pts, frame.time_base = rate, start // channels, Fraction(1, rate)
                container.mux(track.encode(frame))
            container.mux(track.encode(None))
        return path

    return make


def _timed(name: str, times_ms: Sequence[int]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        path = folder / f"{name}.mkv"
        with av.open(str(path), "w") as container:
            stream = container.add_stream("mjpeg", rate=24)
            assert isinstance(stream, av.VideoStream)
            stream.pix_fmt, stream.width, stream.height = "yuvj420p", 160, 90
            for picture, time_ms in zip(scene(1, len(times_ms), **_SMALL), times_ms, strict=True):
                for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    packet.time_base, packet.pts, packet.dts = Fraction(1, 1000), time_ms, None
                    container.mux(packet)
        return path

    return make


def without_its_keyframe(folder: Path) -> Path:
    """It begins amid a group of pictures."""
    path = folder / "without-its-keyframe.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=24, options={"g": "12"})
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "yuv420p", 160, 90
        packets = [
            packet
            for picture in scene(1, 48, **_SMALL, pan=1)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))
        ]
        for packet in packets[1:]:
            container.mux(packet)
    return path


def lying_on_its_side(folder: Path) -> Path:
    path = write_clip(folder / "lying-on-its-side.mp4", scene(1, 24, **_SMALL))
    body = bytearray(path.read_bytes())
    matrix = body.find(b"tkhd") + 44
    body[matrix : matrix + 36] = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    path.write_bytes(body)
    return path


def interlaced(folder: Path) -> Path:
    path = folder / "interlaced.mkv"
    return write_clip(path, scene(1, 24, **_SMALL), codec="mpeg2video", encoder={"flags": "+ildct+ilme"})


def times_that_go_back(folder: Path) -> Path:
    """Two recordings, one behind the other in a file."""
    parts = [write_clip(folder / f"{seed}.ts", scene(seed, 48, **_SMALL)).read_bytes() for seed in (1, 2)]
    path = folder / "times-that-go-back.ts"
    path.write_bytes(b"".join(parts))
    return path


def with_a_strange_name(folder: Path) -> Path:
    return write_clip(folder / "%d 'ein' \"Fïlm\"\n|?*;$(x) \N{CLAPPER BOARD}.mp4", scene(1, 24, **_SMALL))


def _growing(folder: Path) -> Path:
    """Its pictures change their size on the way."""
    path = folder / "growing.mkv"
    sizes: Sequence[tuple[int, int]] = ((160, 90), (320, 180), (64, 64))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=24)
        assert isinstance(stream, av.VideoStream)
        stream.pix_fmt, stream.width, stream.height = "yuvj420p", *sizes[0]
        for number, (width, height) in enumerate(sizes):
            coder = av.CodecContext.create("mjpeg", "w")
            assert isinstance(coder, av.VideoCodecContext)
            coder.pix_fmt, coder.width, coder.height = "yuvj420p", width, height
            coder.time_base = coder.framerate = Fraction(1, 24)
            pictures: list[Picture] = scene(number, 12, width=width, height=height)
            for index, picture in enumerate(pictures):
                for packet in coder.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                    packet.stream, packet.time_base = stream, Fraction(1, 24)
                    packet.pts = packet.dts = 12 * number + index
                    container.mux(packet)
    return path


_UNUSUAL: Mapping[str, Callable[[Path], Path]] = {
    "one pixel": _encoded("yuv444p", codec="ffv1", width=1, height=1),
    "three by five": _encoded("yuv444p", codec="ffv1", width=3, height=5),
    "very wide": _encoded("yuv444p", codec="ffv1", width=4000, height=2),
    "ten bits": _encoded("yuv420p10le"),
    "4:2:2": _encoded("yuv422p"),
    "4:4:4": _encoded("yuv444p"),
    "grey": _encoded("gray", codec="ffv1"),
    "transparent": _encoded("rgba", codec="png", ending="mov"),
    "interlaced": interlaced,
    "8 kHz": _heard(8_000, "mono"),
    "96 kHz": _heard(96_000, "stereo"),
    "5.1": _heard(48_000, "5.1", codec="flac"),
    "sound that is longer": _heard(16_000, "mono", seconds=9.0),
    "pictures that are longer": _heard(16_000, "mono", seconds=0.2),
    "a frame rate that varies": _timed("varying", [0, 10, 400, 420, 2_000, 2_001, 2_002, 2_900]),
    "times that go back": times_that_go_back,
    "times all the same": _timed("standing", [500] * 8),
    "times before zero": _timed("negative", [-2_000, -1_500, -900, -300, 0, 40, 80, 120]),
    "a picture": _timed("one-picture", [0]),
    "without its keyframe": without_its_keyframe,
    "lying on its side": lying_on_its_side,
    "growing": _growing,
    "a strange name": with_a_strange_name,
}


def sound_alone(folder: Path) -> Path:
    return write_sound(folder / "sound-alone.mp4", music(1.0))


def a_picture(folder: Path) -> Path:
    """A photograph with the name of a video."""
    import cv2

    path = folder / "a-picture.mp4"
    written, body = cv2.imencode(".jpg", scene(1, 1)[0])
    assert written
    path.write_bytes(body.tobytes())
    return path


def half_an_index(folder: Path) -> Path:
    """Cut amid the index, which lies in front."""
    whole = write_clip(folder / "half-an-index.mp4", scene(1, 48), options={"movflags": "faststart"})
    body = whole.read_bytes()
    at = body.find(b"moov")
    whole.write_bytes(body[: at + int.from_bytes(body[at - 4 : at]) // 2])
    return whole
