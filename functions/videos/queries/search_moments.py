from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field, StringConstraints

from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.results import VideoMoments, results_of
from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import MomentKind
from functions.videos.domain.retrieval import Hit, search, snippet
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

SearchWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> "NDArray[float32]": ...


class MomentView(View):
    """`highlights` are the start and end in `snippet` of each word that matches; `score` is between 0 and 1."""

    video_id: str
    segment_id: str
    start_ms: int
    end_ms: int
    score: float
    kind: str
    snippet: str
    highlights: list[tuple[int, int]]


class MomentsPage(View):
    items: list[MomentView]
    next_cursor: str | None
    as_of: str


class SearchMoments(Query[MomentsPage]):
    """Moments of one video that match by words or by meaning, best first. There are none before an analysis."""

    workspace_id: Uuid
    video_id: Uuid
    q: SearchWords
    kind: MomentKind | None = None
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)


class SearchMomentsHandler:
    def __init__(self, scope: ReadScope, embedder: Embedder, cursors: Cursors) -> None:
        self._scope = scope
        self._embedder = embedder
        self._cursors = cursors

    def __call__(self, query: SearchMoments) -> Result[MomentsPage]:
        video = read_video(self._scope.store, query.workspace_id, query.video_id)
        if video is None:
            return Failure(NotFound())
        walk = f"moments:{query.workspace_id}:{query.video_id}:{query.kind}:{query.q}"
        analysis_id, start = video.current_analysis_id, 0
        if query.cursor:
            analysis_id, _, position = self._cursors.read(query.cursor, walk).partition(":")
            start = int(position)
        items: list[MomentView] = []
        next_cursor = None
        if analysis_id is not None:
            results = results_of(self._scope.runtime, query.workspace_id, query.video_id, analysis_id)
            searched = VideoMoments(query.video_id, analysis_id, results.moments, results.vectors)
            end = start + query.limit
            hits = self._search(query, searched, limit=end + 1)
            items = [_show(query, searched, hit) for hit in hits[start:end]]
            if len(hits) > end:
                next_cursor = self._cursors.make(f"{analysis_id}:{end}", walk)
        now = rfc3339(self._scope.runtime.clock.now())
        return Success(MomentsPage(items=items, next_cursor=next_cursor, as_of=now))

    def _search(self, query: SearchMoments, searched: VideoMoments, limit: int) -> list[Hit]:
        if not searched.moments:
            return []
        (wanted,) = self._embedder.embed([query.q])
        kinds = None if query.kind is None else {query.kind}
        return search(query.q, searched.moments, searched.vectors, wanted, kinds=kinds, limit=limit)


def _show(query: SearchMoments, searched: VideoMoments, hit: Hit) -> MomentView:
    moment = searched.moments[hit.index]
    found = snippet(moment.text, query.q)
    return MomentView(
        video_id=searched.video_id,
        segment_id=moment.segment_id,
        start_ms=moment.start_ms,
        end_ms=moment.end_ms,
        score=round(hit.score, 4),
        kind=moment.kind,
        snippet=found.text,
        highlights=list(found.highlights),
    )


def build(scope: ReadScope) -> SearchMomentsHandler:
    return SearchMomentsHandler(scope, MiniLmEmbedder(), cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/moments",
    SearchMoments,
    build,
    policy=Policy(permission="videos:read", rate_limit=RateLimit(feature=RatedFeature.SEARCHES)),
    summary="Search a video's moments",
    needs=FunctionNeeds(
        grants=(RESULTS_READ, CURSOR_SECRET), layers=("embedding",), memory_mb=1024, timeout_seconds=28
    ),
)
lambda_handler = http_function(ENDPOINT)
