from collections.abc import Iterator, Mapping, Sequence

from functions.videos.adapters.rows import (
    PROJECT_VIDEO,
    VIDEO,
    ProjectVideoRow,
    VideoRow,
    project_videos_partition,
    video_partition,
)
from functions.videos.domain.media import MediaInfo, Rejection, RejectionReason
from functions.videos.domain.video import Video, VideoStatus
from functions.videos.events import VideoChanged
from shared.persistence.batch_reads import get_many
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork

DELETED = "deleted"
"""The status that a removed video leaves with those who keep a picture of it."""


def read_video(store: Store, workspace_id: str, video_id: str) -> Video | None:
    """A video of this workspace, read consistently."""
    row = store.get(VideoRow, video_partition(workspace_id, video_id), VIDEO)
    return _to_video(row) if row else None


def read_videos(store: Store, workspace_id: str, video_ids: Sequence[str]) -> list[Video | None]:
    """Videos of this workspace in the order asked for, read consistently; `None` where there is none."""
    rows = get_many(store, VideoRow, [(video_partition(workspace_id, video_id), VIDEO) for video_id in video_ids])
    return [_to_video(row) if row else None for row in rows]


def read_project_video_ids(store: Store, workspace_id: str, project_id: str) -> Mapping[str, str]:
    """The ids of a project's videos, and since when each is in it."""
    rows = store.all(ProjectVideoRow, project_videos_partition(workspace_id, project_id), PROJECT_VIDEO)
    return {row.sk.removeprefix(PROJECT_VIDEO): row.since for row in rows}


def project_videos(store: Store, workspace_id: str, project_id: str, *, before: str | None = None) -> Iterator[Video]:
    """The videos of a project, newest first, each read consistently; those made `before` a video, by its id."""
    partition = project_videos_partition(workspace_id, project_id)
    after = None if before is None else PROJECT_VIDEO + before
    while True:
        page = store.page(ProjectVideoRow, partition, PROJECT_VIDEO, after=after, newest_first=True)
        found = read_videos(store, workspace_id, [row.sk.removeprefix(PROJECT_VIDEO) for row in page.rows])
        # One that has just been moved elsewhere isn't this project's any more.
        yield from (video for video in found if video and video.project_id == project_id)
        if page.last_sk is None:
            return
        after = page.last_sk


class Videos:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, video: Video) -> None:
        self._uow.insert(_to_row(video, version=1))
        self._put_into_project(video, since=video.created_at)
        self._tell(video, version=1)

    def save(self, video: Video) -> int:
        """Write a changed video; returns its new version. Whoever read an older one has to decide anew."""
        version = video.version + 1
        self._uow.put(_to_row(video, version), condition=VideoRow.version == video.version)
        self._tell(video, version)
        return version

    def move(self, video: Video, project_id: str | None, at: str) -> Video:
        """Into a project, or out of the one it is in. It still has to be saved."""
        moved = video.moved(project_id)
        if project_id != video.project_id:
            self._take_out_of_project(video)
            self._put_into_project(moved, since=at)
        return moved

    def remove(self, video: Video) -> int:
        """Remove a video; returns the version that it would have had."""
        version = video.version + 1
        partition = video_partition(video.workspace_id, video.video_id)
        self._uow.delete(VideoRow, partition, VIDEO, condition=VideoRow.version == video.version)
        self._take_out_of_project(video)
        self._tell(video, version, status=DELETED)
        return version

    def _put_into_project(self, video: Video, since: str) -> None:
        if video.project_id is not None:
            partition = project_videos_partition(video.workspace_id, video.project_id)
            self._uow.put(ProjectVideoRow(pk=partition, sk=PROJECT_VIDEO + video.video_id, since=since))

    def _take_out_of_project(self, video: Video) -> None:
        if video.project_id is not None:
            partition = project_videos_partition(video.workspace_id, video.project_id)
            self._uow.delete(ProjectVideoRow, partition, PROJECT_VIDEO + video.video_id)

    def _tell(self, video: Video, version: int, status: str | None = None) -> None:
        self._uow.record(
            VideoChanged(
                workspace_id=video.workspace_id,
                video_id=video.video_id,
                status=status or video.status,
                current_analysis_id=video.current_analysis_id,
                active_analysis_id=video.active_analysis_id,
                project_id=video.project_id,
            ),
            video.video_id,
            version,
        )


def _to_row(video: Video, version: int) -> VideoRow:
    media, rejection = video.media, video.rejection
    return VideoRow(
        pk=video_partition(video.workspace_id, video.video_id),
        sk=VIDEO,
        version=version,
        workspace_id=video.workspace_id,
        video_id=video.video_id,
        title=video.title,
        file_name=video.file_name,
        content_type=video.content_type,
        size_bytes=video.size_bytes,
        created_by=video.created_by,
        created_at=video.created_at,
        correlation_id=video.correlation_id,
        status=video.status,
        duration_ms=media.duration_ms if media else None,
        width=media.width if media else None,
        height=media.height if media else None,
        has_audio=media.has_audio if media else None,
        etag=video.etag,
        rejection_reason=rejection.reason if rejection else None,
        current_analysis_id=video.current_analysis_id,
        active_analysis_id=video.active_analysis_id,
        project_id=video.project_id,
    )


def _to_video(row: VideoRow) -> Video:
    media = None
    if row.duration_ms is not None and row.width is not None and row.height is not None:
        media = MediaInfo(
            duration_ms=int(row.duration_ms),
            width=int(row.width),
            height=int(row.height),
            # Earlier uploads weren't asked.
            has_audio=row.has_audio is not False,
        )
    return Video(
        workspace_id=row.workspace_id,
        video_id=row.video_id,
        title=row.title,
        file_name=row.file_name,
        content_type=row.content_type,
        size_bytes=int(row.size_bytes),
        created_by=row.created_by,
        created_at=row.created_at,
        correlation_id=row.correlation_id,
        status=VideoStatus(row.status),
        media=media,
        etag=row.etag,
        rejection=Rejection(RejectionReason(row.rejection_reason)) if row.rejection_reason else None,
        current_analysis_id=row.current_analysis_id,
        active_analysis_id=row.active_analysis_id,
        project_id=row.project_id,
        version=int(row.version),
    )
