"""One pass over a video file: every frame and the whole sound, in the order of the file."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from functions.analysis.failures import AnalysisFailed, FailureReason
from shared.media.iso_files import is_cut_short

if TYPE_CHECKING:
    from av import AudioFrame, Packet, VideoFrame
    from av.container import InputContainer
    from av.video.reformatter import VideoReformatter

SAMPLE_RATE = 16_000

THUMBNAIL_WIDTH = 128
THUMBNAIL_HEIGHT = 72

# An 8K picture. Decoders keep a dozen pictures and more, so this bounds memory.
MAX_PIXELS = 8192 * 4320
MAX_DURATION_MS = 6 * 60 * 60 * 1000

# Containers that hold one video in one file. Playlists and scripts (HLS, DASH, concat) name other files and addresses
# to open, and picture formats would turn a photograph into a video.
_CONTAINERS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,mxf,ivf,nut,gxf,3gp,dv,wav,mp3,flac,aac"
)

# A file that gives up this many pictures in a row, without one decoded between them, is not getting better.
_MAX_CONSECUTIVE_ERRORS = 300
# Timestamps may pause (a slide show), but one that leaps further than this beyond the announced end is wrong.
_LEAP_MS = 10_000


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the container says, before anything is decoded. `duration_ms` is None where it says nothing."""

    width: int
    height: int
    frame_rate: float
    duration_ms: int | None
    has_audio: bool


class Scalers:
    """One scaler per rendering and thread.

    A scaler asked for another size than the last time sets itself up anew, and isn't safe for two threads at once.
    """

    def __init__(self) -> None:
        self._scalers: dict[tuple[int, int, int, str], VideoReformatter] = {}

    def scale(self, picture: "VideoFrame", width: int, height: int, pixel_format: str) -> "VideoFrame":
        from av.video.reformatter import VideoReformatter

        key = (threading.get_ident(), width, height, pixel_format)
        scaler = self._scalers.get(key)
        if scaler is None:
            scaler = self._scalers[key] = VideoReformatter()
        return scaler.reformat(
            picture, width=width, height=height, format=pixel_format, interpolation="AREA", threads=1
        )


class Frame:
    """A decoded picture; its renderings are made when asked for."""

    __slots__ = ("_picture", "_scalers", "_thumbnail", "index", "start_ms")

    def __init__(self, index: int, start_ms: int, picture: "VideoFrame", scalers: Scalers) -> None:
        self.index = index
        self.start_ms = start_ms
        self._picture = picture
        self._scalers = scalers
        self._thumbnail: NDArray[np.uint8] | None = None

    @property
    def thumbnail(self) -> NDArray[np.uint8]:
        """The picture as planar YUV 4:2:0 of 128x72 (108 rows: luma, then chroma), whatever its shape."""
        if self._thumbnail is None:
            small = self._scalers.scale(self._picture, THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, "yuv420p")
            self._thumbnail = np.asarray(small.to_ndarray(), dtype=np.uint8)
        return self._thumbnail

    def picture(self, max_side: int) -> NDArray[np.uint8]:
        """The upright picture as BGR, scaled down to `max_side` where it is larger."""
        picture = self._picture
        scale = min(1.0, max_side / max(picture.width, picture.height))
        # Even sizes: some pixel formats have no odd ones.
        width = max(2, round(picture.width * scale / 2) * 2)
        height = max(2, round(picture.height * scale / 2) * 2)
        scaled = self._scalers.scale(picture, width, height, "bgr24")
        pixels = np.asarray(scaled.to_ndarray(), dtype=np.uint8)
        # The display matrix counts anticlockwise, as rot90 does.
        return np.ascontiguousarray(np.rot90(pixels, k=round(picture.rotation / 90) % 4))


@dataclass(frozen=True, slots=True)
class Sound:
    """Samples of 16 kHz mono, as 16-bit integers."""

    start_ms: int
    samples: NDArray[np.int16]


class _Timeline:
    """Turns the timestamps of one stream into milliseconds that never go back and don't leap for no reason."""

    def __init__(self, nominal_ms: float, announced_ms: int | None) -> None:
        self._nominal_ms = nominal_ms
        self._announced_ms = announced_ms
        self._shift_ms = 0.0
        self._last_ms: float | None = None

    def place(self, stamp_ms: float | None) -> float:
        last = self._last_ms
        if stamp_ms is None:
            placed = 0.0 if last is None else last + self._nominal_ms
        elif last is None:
            placed = stamp_ms + self._shift_ms
        else:
            placed = stamp_ms + self._shift_ms
            leaps = placed - last > _LEAP_MS and (self._announced_ms is None or placed > self._announced_ms + _LEAP_MS)
            if placed <= last or leaps:
                if leaps or last - placed > self._nominal_ms:
                    # A discontinuity: what follows continues from here.
                    self._shift_ms += last + self._nominal_ms - placed
                placed = last + self._nominal_ms
        self._last_ms = placed
        return placed


class Video:
    """An opened video file. Iterating decodes it once; afterwards `duration_ms` and `frames` say what there was.

    Raises `AnalysisFailed` for files that aren't videos, can't be decoded, or end before they should.
    """

    def __init__(self, path: Path, announced_ms: int | None = None) -> None:
        """`announced_ms` is the length the work was agreed for; a file that runs on far beyond it is refused."""
        self._size = path.stat().st_size
        if self._size == 0:
            raise AnalysisFailed(FailureReason.EMPTY_FILE)
        with path.open("rb") as file:
            if is_cut_short(file, self._size):
                raise AnalysisFailed(FailureReason.TRUNCATED_VIDEO)
        self._container = _open(path)
        try:
            self._prepare()
        except BaseException:
            self._container.close()
            raise
        self._longest_ms = MAX_DURATION_MS
        if announced_ms is not None:
            self._longest_ms = min(MAX_DURATION_MS, announced_ms + max(_LEAP_MS, announced_ms // 20))
        self.duration_ms = 0
        self.frames = 0
        self._consumed = 0

    def _prepare(self) -> None:
        from av.stream import Disposition

        pictures = [
            stream for stream in self._container.streams.video if not stream.disposition & Disposition.attached_pic
        ]
        if not pictures:
            raise AnalysisFailed(FailureReason.NO_VIDEO_STREAM)
        self._video = pictures[0]
        codec = self._video.codec_context
        if codec is None:
            raise AnalysisFailed(FailureReason.UNSUPPORTED_CODEC)
        _check_size(codec.width, codec.height)
        codec.thread_type = "AUTO"
        # A stream may announce one size and hold another: the decoder itself refuses those.
        codec.options = {"max_pixels": str(MAX_PIXELS)}
        # A sound track that can't be decoded is as good as none.
        audible = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        self._audio = audible[0] if audible else None

        announced = _announced_ms(self._container, [self._video, *([self._audio] if self._audio else [])])
        if announced is not None and announced > MAX_DURATION_MS:
            raise AnalysisFailed(FailureReason.TOO_LONG, f"{announced} ms announced")
        rate = self._video.average_rate or self._video.guessed_rate
        frame_rate = float(rate) if rate else 0.0
        self.info = VideoInfo(
            width=codec.width,
            height=codec.height,
            frame_rate=frame_rate if 0 < frame_rate <= 1000 else 0.0,
            duration_ms=announced,
            has_audio=self._audio is not None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def share_read(self) -> float:
        """How far the pass has come, from 0 to 1: by time where a duration is announced, by bytes otherwise."""
        if self.info.duration_ms:
            return min(1.0, self.duration_ms / self.info.duration_ms)
        return min(1.0, self._consumed / self._size)

    def __iter__(self) -> Iterator[Frame | Sound]:
        from av import AudioFrame, AudioResampler, VideoFrame
        from av.error import FFmpegError

        scalers = Scalers()
        resampler = AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        nominal_ms = 1000 / self.info.frame_rate if self.info.frame_rate else 40.0
        origin_ms = _origin_ms(self._video)
        picture_times = _Timeline(nominal_ms, self.info.duration_ms)
        sound_times = _Timeline(20.0, self.info.duration_ms)
        streams = [self._video] if self._audio is None else [self._video, self._audio]
        demuxed_ms = 0.0
        errors = 0
        packets = self._container.demux(streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                raise AnalysisFailed(FailureReason.CORRUPT, str(error)) from error
            if packet is None:
                break
            self._consumed = max(self._consumed, (packet.pos or 0) + packet.size)
            demuxed_ms = max(demuxed_ms, _end_ms(packet, origin_ms))
            try:
                decoded = packet.decode()
            except FFmpegError:
                # Damage to some pictures is survivable; what remains is judged at the end.
                if packet.stream is self._video:
                    errors += 1
                    if errors > _MAX_CONSECUTIVE_ERRORS:
                        raise AnalysisFailed(FailureReason.CORRUPT, "too many undecodable pictures") from None
                continue
            for piece in decoded:
                if isinstance(piece, VideoFrame):
                    errors = 0
                    _check_size(piece.width, piece.height)
                    stamp = _stamp_ms(piece, origin_ms)
                    start_ms = picture_times.place(None if stamp is None else max(0.0, stamp))
                    if start_ms > self._longest_ms:
                        too_long = self._longest_ms == MAX_DURATION_MS
                        reason = FailureReason.TOO_LONG if too_long else FailureReason.LONGER_THAN_ANNOUNCED
                        raise AnalysisFailed(reason, f"a frame at {start_ms:.0f} ms")
                    self.duration_ms = round(start_ms + nominal_ms)
                    yield Frame(self.frames, round(start_ms), piece, scalers)
                    self.frames += 1
                elif isinstance(piece, AudioFrame):
                    stamp = _stamp_ms(piece, origin_ms)
                    yield from _resample(resampler, piece, sound_times.place(stamp))
        self._judge(demuxed_ms)

    def _judge(self, demuxed_ms: float) -> None:
        announced = self.info.duration_ms
        # Containers round durations, and pad the shorter of their streams.
        if announced is not None and demuxed_ms < announced - max(1000, announced * 0.05):
            # An ISO media file has been found whole, so its tables must be wrong.
            iso = "mp4" in self._container.format.name
            reason = FailureReason.CORRUPT if iso else FailureReason.TRUNCATED_VIDEO
            raise AnalysisFailed(reason, f"{demuxed_ms:.0f} of {announced} ms")
        if self.frames == 0:
            raise AnalysisFailed(FailureReason.CORRUPT, "no picture could be decoded")


def _open(path: Path) -> "InputContainer":
    import av
    from av.error import FFmpegError

    try:
        return av.open(
            str(path),
            metadata_errors="ignore",
            options={"format_whitelist": _CONTAINERS, "protocol_whitelist": "file"},
        )
    except (FFmpegError, ValueError) as error:
        raise AnalysisFailed(FailureReason.NOT_A_VIDEO, str(error)) from error


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise AnalysisFailed(FailureReason.PICTURE_TOO_LARGE, f"{width}x{height}")


def _announced_ms(container: "InputContainer", streams: list[Any]) -> int | None:
    durations = [
        float(stream.duration * stream.time_base) * 1000
        for stream in streams
        if stream.duration is not None and stream.time_base is not None and stream.duration > 0
    ]
    if len(durations) == len(streams):
        return round(max(durations))
    return round(container.duration / 1000) if container.duration and container.duration > 0 else None


def _origin_ms(stream: Any) -> float:
    if stream.start_time is None or stream.time_base is None:
        return 0.0
    return float(stream.start_time * stream.time_base) * 1000


def _stamp_ms(piece: "VideoFrame | AudioFrame", origin_ms: float) -> float | None:
    if piece.pts is None or piece.time_base is None:
        return None
    return float(piece.pts * piece.time_base) * 1000 - origin_ms


def _end_ms(packet: "Packet[Any]", origin_ms: float) -> float:
    stamp = packet.pts if packet.pts is not None else packet.dts
    if stamp is None or packet.time_base is None:
        return 0.0
    return float((stamp + (packet.duration or 0)) * packet.time_base) * 1000 - origin_ms


def _resample(resampler: Any, frame: "AudioFrame", start_ms: float) -> Iterator[Sound]:
    from av.error import FFmpegError

    try:
        pieces = resampler.resample(frame)
    except (FFmpegError, ValueError):
        # The format changed in mid-stream to one that the resampler wasn't set up for; this bit of sound is lost.
        return
    for piece in pieces:
        samples = np.asarray(piece.to_ndarray(), dtype=np.int16).reshape(-1)
        if samples.size:
            yield Sound(round(start_ms), samples)
