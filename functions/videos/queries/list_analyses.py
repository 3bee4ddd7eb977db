from pydantic import Field

from functions.entry import http_function
from functions.videos.adapters.analyses import read_analyses, read_progress
from functions.videos.adapters.videos import read_video
from functions.videos.domain.analysis import Analysis
from functions.videos.queries.get_analysis import AnalysisView, show_analysis
from shared.aws.grants import CURSOR_SECRET, EPHEMERAL_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class AnalysesPage(View):
    items: list[AnalysisView]
    next_cursor: str | None
    as_of: str


class ListAnalyses(Query[AnalysesPage]):
    workspace_id: Uuid
    video_id: Uuid
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)


class ListAnalysesHandler:
    """Reads the video's own partition: it is sorted by time, so a read model would only be a later copy of it."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: ListAnalyses) -> Result[AnalysesPage]:
        store = self._scope.store
        if read_video(store, query.workspace_id, query.video_id) is None:
            return Failure(NotFound())
        walk = f"analyses:{query.workspace_id}:{query.video_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = read_analyses(store, query.workspace_id, query.video_id, after=after, limit=query.limit)
        return Success(
            AnalysesPage(
                items=[self._show(analysis) for analysis in page.analyses],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )

    def _show(self, analysis: Analysis) -> AnalysisView:
        share = None
        if not analysis.has_ended:
            share = read_progress(self._scope.store, analysis.workspace_id, analysis.analysis_id)
        return show_analysis(analysis, share)


def build(scope: ReadScope) -> ListAnalysesHandler:
    return ListAnalysesHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/analyses",
    ListAnalyses,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's analyses, newest first",
    needs=FunctionNeeds(grants=(EPHEMERAL_READ, CURSOR_SECRET)),
)
lambda_handler = http_function(ENDPOINT)
