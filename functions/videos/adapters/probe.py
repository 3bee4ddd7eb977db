"""Reads what a file's container says about its video; pictures are decoded later, by the analysis."""

from typing import TYPE_CHECKING, Any, Protocol

from functions.videos.adapters.uploads import ReadLimitExceeded, UploadGone
from functions.videos.domain.media import MAX_PIXELS, MediaInfo, Rejection, RejectionReason
from shared.media.iso_files import is_cut_short

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Containers that hold one video in one file. Playlists and scripts name other files to open, and picture formats would
# make a video of a photograph. Those of sound alone are listed so that they are called what they are.
_CONTAINERS = "mov,matroska,ogg,wav,mp3,flac,aac"


class ProbedFile(Protocol):
    """`failure` is why reading was given up."""

    @property
    def size(self) -> int: ...
    @property
    def failure(self) -> ReadLimitExceeded | UploadGone | None: ...
    def read(self, size: int = -1, /) -> bytes: ...
    def seek(self, offset: int, whence: int = 0, /) -> int: ...
    def tell(self) -> int: ...


def probe(file: ProbedFile) -> MediaInfo | Rejection:
    """What the file holds, or why it can't be used. Raises `UploadGone` when it vanished while it was read."""
    if file.size == 0:
        return Rejection(RejectionReason.EMPTY_FILE)
    try:
        if is_cut_short(file, file.size):
            return Rejection(RejectionReason.TRUNCATED_VIDEO)
        return _read_container(file)
    except ReadLimitExceeded:
        return Rejection(RejectionReason.UNREADABLE)


def _read_container(file: ProbedFile) -> MediaInfo | Rejection:
    import av
    from av.error import FFmpegError

    file.seek(0)
    try:
        container = av.open(
            file,
            "r",
            metadata_errors="ignore",
            options={
                "format_whitelist": _CONTAINERS,
                "protocol_whitelist": "none",
                # Opening decodes a picture or two where the container leaves something out. What is a little too large
                # for an analysis can be opened, and so be called that.
                "max_pixels": str(2 * MAX_PIXELS),
            },
        )
    except (FFmpegError, ValueError):
        _raise_failure(file)
        return Rejection(RejectionReason.NOT_A_VIDEO)
    with container:
        return _describe(container, file)


def _describe(container: "InputContainer", file: ProbedFile) -> MediaInfo | Rejection:
    from av.stream import Disposition

    # A cover picture is a video stream too, of one frame.
    pictures = [stream for stream in container.streams.video if not stream.disposition & Disposition.attached_pic]
    if not pictures:
        return Rejection(RejectionReason.NO_VIDEO_STREAM)
    stream = pictures[0]
    if stream.codec_context is None:
        return Rejection(RejectionReason.UNSUPPORTED_CODEC)
    duration_ms = _announced_ms(container, stream)
    if duration_ms is None:
        duration_ms = _measured_ms(container, stream, file)
    width, height = stream.codec_context.width, stream.codec_context.height
    if duration_ms <= 0 or width <= 0 or height <= 0:
        return Rejection(RejectionReason.CORRUPT)
    # What can't be decoded is as good as none.
    has_audio = any(audio.codec_context is not None for audio in container.streams.audio)
    return MediaInfo(duration_ms=duration_ms, width=width, height=height, has_audio=has_audio)


def _announced_ms(container: "InputContainer", stream: "VideoStream") -> int | None:
    if stream.duration is not None and stream.duration > 0 and stream.time_base is not None:
        return round(stream.duration * stream.time_base * 1000)
    return round(container.duration / 1000) if container.duration is not None and container.duration > 0 else None


def _measured_ms(container: "InputContainer", stream: "VideoStream", file: ProbedFile) -> int:
    """The end of the last packet: what a browser records as it goes announces no duration."""
    from av.error import FFmpegError

    end_ms = 0.0
    packets = container.demux(stream)
    while True:
        try:
            packet: Any = next(packets, None)
        except FFmpegError:
            _raise_failure(file)
            break
        except IndexError:
            # A stream that has begun in the midst of the file, which PyAV doesn't know: the packet is passed over.
            packets = container.demux(stream)
            continue
        if packet is None:
            break
        if packet.pts is not None and packet.time_base is not None:
            end_ms = max(end_ms, float((packet.pts + (packet.duration or 0)) * packet.time_base) * 1000)
    return round(end_ms)


def _raise_failure(file: ProbedFile) -> None:
    if file.failure is not None:
        raise file.failure
