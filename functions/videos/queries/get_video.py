from functions.entry import http_function
from functions.videos.adapters.videos import read_video
from functions.videos.domain.video import Video
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class RejectionView(View):
    """Why an upload can't be used: a stable code and a sentence."""

    reason: str
    message: str


class VideoView(View):
    """`duration_ms`, `width` and `height` are known once the upload was examined."""

    video_id: str
    workspace_id: str
    project_id: str | None
    title: str
    file_name: str
    content_type: str
    size_bytes: int
    status: str
    rejection: RejectionView | None
    duration_ms: int | None
    width: int | None
    height: int | None
    current_analysis_id: str | None
    active_analysis_id: str | None
    created_by: str
    created_at: str


class GetVideo(Query[VideoView]):
    workspace_id: Uuid
    video_id: Uuid


class GetVideoHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetVideo) -> Result[VideoView]:
        video = read_video(self._store, query.workspace_id, query.video_id)
        return Success(show_video(video)) if video else Failure(NotFound())


def show_video(video: Video) -> VideoView:
    media, rejection = video.media, video.rejection
    return VideoView(
        video_id=video.video_id,
        workspace_id=video.workspace_id,
        project_id=video.project_id,
        title=video.title,
        file_name=video.file_name,
        content_type=video.content_type,
        size_bytes=video.size_bytes,
        status=video.status,
        rejection=RejectionView(reason=rejection.reason, message=rejection.message) if rejection else None,
        duration_ms=media.duration_ms if media else None,
        width=media.width if media else None,
        height=media.height if media else None,
        current_analysis_id=video.current_analysis_id,
        active_analysis_id=video.active_analysis_id,
        created_by=video.created_by,
        created_at=video.created_at,
    )


def build(scope: ReadScope) -> GetVideoHandler:
    return GetVideoHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}",
    GetVideo,
    build,
    policy=Policy(permission="videos:read"),
    summary="One video",
)
lambda_handler = http_function(ENDPOINT)
