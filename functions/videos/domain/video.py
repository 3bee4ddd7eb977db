"""A video: from the request to upload it to the analysis that people search.

awaiting_upload -> uploaded | rejected          (a new upload may replace the file until the first analysis)
uploaded -> analysing -> ready | uploaded       (`uploaded` again when the only analysis failed)
ready -> analysing -> ready                     (a rerun; a failed one leaves the results there were)
any -> deleting                                 (and then there is none)
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

from pydantic import StringConstraints

from functions.videos.domain.media import CONTENT_TYPES, MediaInfo, Rejection
from shared.kernel.errors import Conflict, DomainError, PayloadTooLarge, UnsupportedMediaType
from shared.kernel.result import Failure, Result, Success

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"

FileName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255, pattern=_PRINTABLE)]
Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=_PRINTABLE)]


class VideoStatus(StrEnum):
    AWAITING_UPLOAD = "awaiting_upload"
    UPLOADED = "uploaded"
    REJECTED = "rejected"
    ANALYSING = "analysing"
    READY = "ready"
    DELETING = "deleting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Video:
    """`etag` names the upload that `media` was read from. `correlation_id` is that of the request that made the video:
    S3 tells of an upload without any.
    """

    workspace_id: str
    video_id: str
    title: str
    file_name: str
    content_type: str
    size_bytes: int
    created_by: str
    created_at: str
    correlation_id: str
    status: VideoStatus = VideoStatus.AWAITING_UPLOAD
    media: MediaInfo | None = None
    etag: str | None = None
    rejection: Rejection | None = None
    current_analysis_id: str | None = None
    active_analysis_id: str | None = None
    project_id: str | None = None
    version: int = 0

    @property
    def takes_uploads(self) -> bool:
        """Once something was made of the file, a later upload under the same signature changes nothing."""
        before_analysis = (VideoStatus.AWAITING_UPLOAD, VideoStatus.UPLOADED, VideoStatus.REJECTED)
        return self.status in before_analysis

    def renamed(self, title: str) -> "Video":
        return replace(self, title=title)

    def moved(self, project_id: str | None) -> "Video":
        """Into a project, or out of the one it is in."""
        return replace(self, project_id=project_id)

    def deleting(self) -> "Video":
        """Nothing of it is shown any more."""
        return replace(self, status=VideoStatus.DELETING, current_analysis_id=None, active_analysis_id=None)

    def uploaded(self, media: MediaInfo, etag: str) -> "Video":
        return replace(self, status=VideoStatus.UPLOADED, media=media, etag=etag, rejection=None)

    def rejected(self, rejection: Rejection, etag: str) -> "Video":
        return replace(self, status=VideoStatus.REJECTED, media=None, etag=etag, rejection=rejection)

    def analysable(self) -> Result[MediaInfo]:
        """What there is to analyse; refuses a video whose upload isn't complete, or isn't usable."""
        if self.status is VideoStatus.DELETING:
            return Failure(Conflict("The video is being deleted."))
        if self.rejection is not None:
            return Failure(Conflict(f"The upload was rejected ({self.rejection.reason}). {self.rejection.message}"))
        if self.media is None:
            return Failure(Conflict("The video isn't uploaded yet."))
        return Success(self.media)

    def begin_analysis(self, analysis_id: str) -> Result["Video"]:
        """One analysis at a time: whoever presses twice, or two people at once, pay for one."""
        if self.active_analysis_id is not None:
            return Failure(
                Conflict(f"Analysis {self.active_analysis_id} of this video is under way. Wait for its end.")
            )
        analysable = self.analysable()
        if isinstance(analysable, Failure):
            return analysable
        return Success(replace(self, status=VideoStatus.ANALYSING, active_analysis_id=analysis_id))

    def end_analysis(self, analysis_id: str, *, completed: bool) -> "Video":
        current = analysis_id if completed else self.current_analysis_id
        return replace(
            self,
            status=VideoStatus.READY if current else VideoStatus.UPLOADED,
            current_analysis_id=current,
            active_analysis_id=None,
        )


def check_upload(content_type: str, size_bytes: int, max_upload_bytes: int) -> DomainError | None:
    """Why a file may not be uploaded, `None` when it may."""
    if content_type not in CONTENT_TYPES:
        return UnsupportedMediaType(f"Videos are uploaded as {_list(sorted(CONTENT_TYPES))}.")
    if size_bytes > max_upload_bytes:
        return PayloadTooLarge(f"The workspace's tier allows uploads of at most {max_upload_bytes} bytes.")
    return None


def upload_key(workspace_id: str, video_id: str) -> str:
    return f"{workspace_id}/{video_id}/source"


def _list(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
