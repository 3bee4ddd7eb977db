from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from pydantic import Field

from functions.entry import http_function
from functions.videos.adapters.projections import VIDEOS
from functions.videos.adapters.videos import DELETED, project_videos, read_videos
from functions.videos.domain.video import Video, VideoStatus
from functions.videos.queries.get_video import VideoView, show_video
from shared.aws.grants import CURSOR_SECRET, READ_MODELS_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.projections import ReadModel, StateRow
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class VideosPage(View):
    """`total_count` is there when `include_total` asks for it."""

    items: list[VideoView]
    next_cursor: str | None
    as_of: str
    total_count: int | None = None


class ListVideos(Query[VideosPage]):
    workspace_id: Uuid
    project_id: Uuid | None = None
    status: VideoStatus | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A page, where to go on (`None` at the end), and how many there are on all pages."""

    videos: Sequence[Video]
    last_position: str | None
    count: Callable[[], int]


class ListVideosHandler:
    """The read model tells which videos there are, and the videos themselves what they are by now: so the list may lack
    what has just changed, and shows nothing that isn't so. Of deleted ones a mark is left in the read model, so a page
    may be shorter than asked for. A project's videos are told by the project itself, which lacks nothing.
    """

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors
        self._model = ReadModel(scope.store, VIDEOS.name)

    def __call__(self, query: ListVideos) -> Result[VideosPage]:
        walk = f"videos:{query.workspace_id}:{query.project_id or ''}:{query.status or ''}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        found = (
            self._of_workspace(query, after)
            if query.project_id is None
            else self._of_project(query, query.project_id, after)
        )
        return Success(
            VideosPage(
                items=[show_video(video) for video in found.videos],
                next_cursor=self._cursors.make(found.last_position, walk) if found.last_position else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
                total_count=found.count() if query.include_total else None,
            )
        )

    def _of_project(self, query: ListVideos, project_id: str, after: str | None) -> _Found:
        def fitting(before: str | None) -> Iterator[Video]:
            videos = project_videos(self._scope.store, query.workspace_id, project_id, before=before)
            return (video for video in videos if query.status in (None, video.status))

        videos = list(islice(fitting(after), query.limit + 1))
        shown = videos[: query.limit]
        last = shown[-1].video_id if len(videos) > query.limit else None
        return _Found(shown, last, lambda: sum(1 for _ in fitting(None)))

    def _of_workspace(self, query: ListVideos, after: str | None) -> _Found:
        workspace_id, status = query.workspace_id, query.status

        def fits(row: StateRow) -> bool:
            shown: str = row.state["status"]
            return shown == status if status else shown != DELETED

        page = self._model.page(workspace_id, after=after, limit=query.limit, fits=fits if status else None)
        videos = read_videos(self._scope.store, workspace_id, [row.sk for row in page.rows])
        return _Found(
            [video for video in videos if video and status in (None, video.status)],
            page.last_sk,
            lambda: sum(map(fits, self._model.states(workspace_id))),
        )


def build(scope: ReadScope) -> ListVideosHandler:
    return ListVideosHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos",
    ListVideos,
    build,
    policy=Policy(permission="videos:read"),
    summary="The videos of a workspace, newest first",
    needs=FunctionNeeds(grants=(READ_MODELS_READ, CURSOR_SECRET)),
)
lambda_handler = http_function(ENDPOINT)
