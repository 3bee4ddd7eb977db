"""What an upload has to be, and why one is rejected."""

from dataclasses import dataclass
from enum import StrEnum

CONTENT_TYPES = frozenset({"video/mp4", "video/quicktime", "video/webm", "video/x-matroska"})

MAX_PIXELS = 8192 * 4320
"""The largest picture that the analysis takes: 8K."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaInfo:
    """What a file's container says about its video."""

    duration_ms: int
    width: int
    height: int
    has_audio: bool


class RejectionReason(StrEnum):
    """Stable codes; the analysis uses the same for what only decoding reveals."""

    EMPTY_FILE = "empty_file"
    NOT_A_VIDEO = "not_a_video"
    NO_VIDEO_STREAM = "no_video_stream"
    TRUNCATED_VIDEO = "truncated_video"
    UNSUPPORTED_CODEC = "unsupported_codec"
    CORRUPT = "corrupt"
    UNREADABLE = "unreadable"
    TOO_LONG = "too_long"
    PICTURE_TOO_LARGE = "picture_too_large"


_SENTENCES = {
    RejectionReason.EMPTY_FILE: "The uploaded file is empty.",
    RejectionReason.NOT_A_VIDEO: "The uploaded file is not an MP4, QuickTime, WebM or Matroska video.",
    RejectionReason.NO_VIDEO_STREAM: "The file holds no moving pictures.",
    RejectionReason.TRUNCATED_VIDEO: "The video is incomplete: the file ends before the video does.",
    RejectionReason.UNSUPPORTED_CODEC: "The video is encoded in a way that we can't decode.",
    RejectionReason.CORRUPT: "The video is damaged: the file doesn't say what is in it.",
    RejectionReason.UNREADABLE: "The file is laid out so that its length can't be found in reasonable time.",
    RejectionReason.TOO_LONG: "The video is longer than the workspace's tier allows.",
    RejectionReason.PICTURE_TOO_LARGE: "The video's picture is larger than 8192 by 4320.",
}


@dataclass(frozen=True, slots=True)
class Rejection:
    reason: RejectionReason

    @property
    def message(self) -> str:
        return _SENTENCES[self.reason]


def judge(media: MediaInfo, max_minutes: int) -> Rejection | None:
    """Whether a readable video is rejected all the same."""
    if media.width * media.height > MAX_PIXELS:
        return Rejection(RejectionReason.PICTURE_TOO_LARGE)
    if media.duration_ms > max_minutes * 60_000:
        return Rejection(RejectionReason.TOO_LONG)
    return None
