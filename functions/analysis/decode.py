"""One pass over a video file: every frame and the whole sound, in the order of the file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from functions.analysis.devices import usable_cores
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.frames import Frame, Scalers
from functions.analysis.sound import Hearing, Sound
from functions.analysis.timestamps import LEAP_MS, Keyframes, StreamTimes, end_of, milliseconds, origin_of, stamp_of
from shared.media.iso_files import is_cut_short

if TYPE_CHECKING:
    from av import Packet, VideoFrame
    from av.container import InputContainer
# An 8K picture. Decoders keep a dozen pictures and more, so this bounds memory.
MAX_PIXELS = 8192 * 4320
MAX_DURATION_MS = 6 * 60 * 60 * 1000

CHUNK_MS = 60_000
# Decoders of open groups of pictures, of rolling refreshes and of most sound are right again within that.
_RUN_UP_MS = 1_000
_SAME_STAMP_MS = 0.5

# Containers that hold one video in one file. Playlists and scripts (HLS, DASH, concat) name other files and addresses
# to open, and picture formats would turn a photograph into a video.
_CONTAINERS = (
    "mov,mp4,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,h264,hevc,m4v,mxf,ivf,nut,gxf,3gp,dv,wav,mp3,flac,aac"
)

_DECODED_AHEAD_BYTES = 64 * 1024 * 1024

# A file that gives up this many pictures in a row, without one decoded between them, is not getting better.
_MAX_CONSECUTIVE_ERRORS = 300

# Sound often lasts a little longer than the pictures. When it goes on for more, the last picture stands meanwhile.
_STANDS_MS = 1_000


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What the container says, before anything is decoded. `duration_ms` is None where it says nothing."""

    width: int
    height: int
    frame_rate: float
    duration_ms: int | None
    has_audio: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """The end of a chunk of the video: so many frames have been given out, and sound up to a stamp (None: no sound).

    The sound after it is resampled as if it were the first, so that a pass which begins here hears the same.
    """

    frames: int
    sound_stamp_ms: float | None


@dataclass(frozen=True, slots=True)
class RunUp:
    """A picture before the position at which a pass goes on: nothing but time that it takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """Where a pass goes on that begins at a mark.

    It decodes from the packet of number `packet` on, gives out frames from the one of number `first_frame` on, which
    bears `first_stamp_ms`, and the sound behind the mark.
    """

    mark: Mark
    packet: int
    first_frame: int
    first_stamp_ms: float


class PositionLost(Exception):
    """The file isn't decoded as it was when the position was taken."""


class Video:
    """An opened video file. Iterating decodes it once; afterwards `duration_ms` and `frames` say what there was.

    Each `chunk_ms` it gives out a `Mark`, unless the file's timestamps are such that one couldn't begin there again.
    Raises `AnalysisFailed` for files that aren't videos, can't be decoded, or end before they should.
    """

    def __init__(
        self,
        path: Path,
        announced_ms: int | None = None,
        *,
        chunk_ms: int = CHUNK_MS,
        position: Position | None = None,
    ) -> None:
        """`announced_ms` is the length the work was agreed for; a file that runs on far beyond it is refused. With a
        `position` the pass goes on there.
        """
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
            self._longest_ms = min(MAX_DURATION_MS, announced_ms + max(LEAP_MS, announced_ms // 20))
        self.duration_ms = 0
        self.frames = 0
        self.is_heard = True
        """Whether sound is decoded and given out."""
        self._sound_ms = 0.0
        self._consumed = 0
        self._chunk_ms = chunk_ms
        self._position = position
        self._keyframes = Keyframes()

    def position(self, mark: Mark, again: Iterable[Frame]) -> Position:
        """Where to begin at a mark so that the frames of `again`, at least one of which has a stamp, are given out
        once more.
        """
        first = min(again, key=lambda frame: frame.index)
        if first.stamp_ms is None:
            raise ValueError("a frame without a stamp can't be found again")
        earliest = first.stamp_ms if mark.sound_stamp_ms is None else min(first.stamp_ms, mark.sound_stamp_ms)
        return Position(
            mark=mark,
            packet=self._keyframes.before(earliest - _RUN_UP_MS),
            first_frame=first.index,
            first_stamp_ms=first.stamp_ms,
        )

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
        codec.thread_count = _threads(codec.width * codec.height)
        # A stream may announce one size and hold another: the decoder itself refuses those.
        codec.options = {"max_pixels": str(MAX_PIXELS)}
        # A sound track that can't be decoded is as good as none.
        audible = [stream for stream in self._container.streams.audio if stream.codec_context is not None]
        self._audio = audible[0] if audible else None

        self._streams = [self._video] if self._audio is None else [self._video, self._audio]
        announced = _announced_ms(self._container, self._streams)
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
        self._lengths_ms = [_announced_ms(self._container, [stream]) or 0 for stream in self._streams]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._container.close()

    @property
    def share_read(self) -> float:
        """How far the pass has come, from 0 to 1: by time where a duration is announced, by bytes otherwise.

        Pictures and sound count by their lengths, so that it moves on whichever of them lasts longer or comes first.
        """
        if not self.info.duration_ms:
            return min(1.0, self._consumed / self._size)
        reached = (self.duration_ms, self._sound_ms)
        return sum(map(min, self._lengths_ms, reached)) / sum(self._lengths_ms)

    def __iter__(self) -> Iterator[Frame | Sound | Mark | RunUp]:
        from av import AudioFrame, VideoFrame

        scalers, origin_ms = Scalers(), origin_of(self._video)
        nominal_ms = 1000 / self.info.frame_rate if self.info.frame_rate else 40.0
        times = StreamTimes(nominal_ms, self.info.duration_ms)
        behind_ms = self._position.mark.sound_stamp_ms if self._position else None
        hearing = Hearing(self.info.duration_ms, behind_ms)
        next_mark_ms = self._chunk_ms
        if self._position is not None:
            self.frames = self._position.first_frame
            next_mark_ms *= 1 + int(self._position.first_stamp_ms // self._chunk_ms)
        for piece in self._decoded(origin_ms):
            stamp = stamp_of(piece, origin_ms)
            if isinstance(piece, AudioFrame):
                yield from hearing.take(piece, stamp)
            elif isinstance(piece, VideoFrame) and self._is_run_up(stamp):
                self.duration_ms = round(max(0.0, stamp or 0.0))
                yield RunUp()
            elif isinstance(piece, VideoFrame):
                start_ms = times.place(None if stamp is None else max(0.0, stamp))
                self._check(piece, start_ms)
                if start_ms >= next_mark_ms:
                    next_mark_ms = self._chunk_ms * (1 + int(start_ms // self._chunk_ms))
                    if times.regular and hearing.regular and not self._repeats(self.frames):
                        yield from hearing.pause()
                        yield Mark(self.frames, hearing.last_stamp_ms)
                self.duration_ms = round(start_ms + nominal_ms)
                yield Frame(self.frames, round(start_ms), piece, scalers, stamp)
                self.frames += 1
        if self._sound_ms > self.duration_ms + _STANDS_MS:
            self.duration_ms = round(self._sound_ms)

    def _decoded(self, origin_ms: float) -> Iterator[Any]:
        from av.error import FFmpegError

        begin = self._position.packet if self._position else 0
        sounds = StreamTimes(20.0, self.info.duration_ms)
        demuxed_ms = 0.0
        errors = 0
        for number, packet in enumerate(self._packets()):
            self._consumed = max(self._consumed, (packet.pos or 0) + packet.size)
            end_ms = end_of(packet, origin_ms)
            demuxed_ms = max(demuxed_ms, end_ms)
            if packet.stream is self._audio and packet.size:
                self._sound_ms = sounds.place(end_ms)
                self._check_length(self._sound_ms)
            if packet.stream is self._video and packet.is_keyframe and packet.pts is not None and packet.time_base:
                self._keyframes.add(number, milliseconds(packet.pts, packet.time_base) - origin_ms)
            if number < begin or (packet.stream is self._audio and not self.is_heard):
                continue
            try:
                pieces = packet.decode()
            except FFmpegError:
                # Damage to some pictures is survivable; what remains is judged at the end.
                if packet.stream is self._video:
                    errors += 1
                    if errors > _MAX_CONSECUTIVE_ERRORS:
                        raise AnalysisFailed(FailureReason.CORRUPT, "too many undecodable pictures") from None
                continue
            if packet.stream is self._video and pieces:
                errors = 0
            yield from pieces
        self._judge(demuxed_ms)

    def _packets(self) -> "Iterator[Packet[Any]]":
        from av.error import FFmpegError

        packets = self._container.demux(self._streams)
        while True:
            try:
                packet = next(packets, None)
            except FFmpegError as error:
                raise AnalysisFailed(FailureReason.CORRUPT, str(error)) from error
            except IndexError:
                # A stream that has begun in the midst of the file, which PyAV doesn't know: the packet is passed over.
                packets = self._container.demux(self._streams)
                continue
            if packet is None:
                return
            yield packet

    def _is_run_up(self, stamp_ms: float | None) -> bool:
        """Whether a picture lies before the position. Raises `PositionLost` where the position's own is missing."""
        position = self._position
        if position is None or self.frames > position.first_frame:
            return False
        if stamp_ms is None or stamp_ms > position.first_stamp_ms + _SAME_STAMP_MS:
            raise PositionLost(f"no frame at {position.first_stamp_ms} ms")
        return stamp_ms < position.first_stamp_ms - _SAME_STAMP_MS

    def _repeats(self, frame: int) -> bool:
        return self._position is not None and frame <= self._position.mark.frames

    def _check(self, picture: "VideoFrame", start_ms: float) -> None:
        _check_size(picture.width, picture.height)
        self._check_length(start_ms)

    def _check_length(self, reached_ms: float) -> None:
        if reached_ms > self._longest_ms:
            too_long = self._longest_ms == MAX_DURATION_MS
            reason = FailureReason.TOO_LONG if too_long else FailureReason.LONGER_THAN_ANNOUNCED
            raise AnalysisFailed(reason, f"{reached_ms:.0f} ms of pictures or sound")

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


def _threads(pixels: int) -> int:
    """Some wait for others, and a picture may take much longer than the one before: with more than there are cores,
    these have work meanwhile. Each holds a picture, which may be large.
    """
    cores = usable_cores()
    return max(cores, min(3 * cores, _DECODED_AHEAD_BYTES // max(1, 2 * pixels)))


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise AnalysisFailed(FailureReason.PICTURE_TOO_LARGE, f"{width}x{height}")


def _announced_ms(container: "InputContainer", streams: list[Any]) -> int | None:
    durations = [
        milliseconds(stream.duration, stream.time_base)
        for stream in streams
        if stream.duration is not None and stream.time_base is not None and stream.duration > 0
    ]
    if len(durations) == len(streams):
        return round(max(durations))
    return round(container.duration / 1000) if container.duration and container.duration > 0 else None
