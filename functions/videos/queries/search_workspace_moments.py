from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.moment_index import moment_index
from functions.videos.adapters.rows import MOMENTS
from functions.videos.adapters.videos import read_project_video_ids
from functions.videos.queries.search_moments import MomentSearch, MomentsPage, PageOfMoments
from shared.aws.grants import CURSOR_SECRET, READ_MODELS_READ
from shared.cqrs.policy import Caching, Policy, RateLimit
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import MalformedRequest
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import cursors
from shared.persistence.scope import ReadScope


class SearchWorkspaceMoments(MomentSearch):
    """Moments of all the workspace's videos, or of one project's, that match by words or by meaning, best first."""

    project_id: Uuid | None = None


class SearchWorkspaceMomentsHandler:
    """Searches the workspace's index, which follows its videos within seconds. A walk shows none of what came in after
    its beginning, be it into the index or into the project, so its pages neither repeat nor skip anything.
    """

    def __init__(self, scope: ReadScope, page: PageOfMoments) -> None:
        self._scope = scope
        self._page = page

    def __call__(self, query: SearchWorkspaceMoments) -> Result[MomentsPage]:
        index = moment_index(self._scope.runtime).read(query.workspace_id)
        now = rfc3339(self._scope.runtime.clock.now())
        state, start = self._page.begun(query) or (f"{index.generation}.{index.version}@{now}", 0)
        searched, _, begun_at = state.partition("@")
        generation, _, version = searched.rpartition(".")
        if generation != index.generation:
            return Failure(MalformedRequest("The index was rebuilt since this search began. Begin it anew."))
        video_ids = None if query.project_id is None else self._of_project(query, query.project_id, begun_at)
        return Success(self._page.of(query, index.tables, state, start, upto=int(version), video_ids=video_ids))

    def _of_project(self, query: SearchWorkspaceMoments, project_id: str, begun_at: str) -> frozenset[str]:
        since = read_project_video_ids(self._scope.store, query.workspace_id, project_id)
        return frozenset(video_id for video_id, came in since.items() if came <= begun_at)


def build(scope: ReadScope) -> SearchWorkspaceMomentsHandler:
    return SearchWorkspaceMomentsHandler(scope, PageOfMoments(scope, MiniLmEmbedder(), cursors(scope.runtime)))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/moments",
    SearchWorkspaceMoments,
    build,
    policy=Policy(
        permission="videos:read",
        rate_limit=RateLimit(feature=RatedFeature.SEARCHES),
        caching=Caching(ttl_seconds=60, tags=lambda _: (MOMENTS,), shared=True),
    ),
    summary="Search the moments of all videos",
    # A thousand videos' index is a sixth of it; the model and its runtime take half a gigabyte.
    needs=FunctionNeeds(
        grants=(RESULTS_READ, READ_MODELS_READ, CURSOR_SECRET),
        layers=("embedding",),
        memory_mb=2048,
        timeout_seconds=28,
    ),
)
lambda_handler = http_function(ENDPOINT)
