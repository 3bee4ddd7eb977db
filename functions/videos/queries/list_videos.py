from pydantic import Field

from functions.entry import http_function
from functions.videos.adapters.projections import VIDEOS
from functions.videos.adapters.videos import DELETED, read_videos
from functions.videos.domain.video import VideoStatus
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
    status: VideoStatus | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


class ListVideosHandler:
    """The read model tells which videos there are, and the videos themselves what they are by now: so the list may lack
    what has just changed, and shows nothing that isn't so. Of deleted ones a mark is left in the read model, so a page
    may be shorter than asked for.
    """

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors
        self._model = ReadModel(scope.store, VIDEOS.name)

    def __call__(self, query: ListVideos) -> Result[VideosPage]:
        workspace_id, status = query.workspace_id, query.status
        walk = f"videos:{workspace_id}:{status or ''}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None

        def fits(row: StateRow) -> bool:
            shown: str = row.state["status"]
            return shown == status if status else shown != DELETED

        page = self._model.page(workspace_id, after=after, limit=query.limit, fits=fits if status else None)
        videos = read_videos(self._scope.store, workspace_id, [row.sk for row in page.rows])
        return Success(
            VideosPage(
                items=[show_video(video) for video in videos if video and status in (None, video.status)],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
                total_count=sum(map(fits, self._model.states(workspace_id))) if query.include_total else None,
            )
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
