from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Protocol

from pydantic import Field, StringConstraints

from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.moment_index import table_of
from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import MomentKind
from functions.videos.domain.retrieval import Hit, Wanted, search, snippet
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope, Runtime

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

    from functions.videos.domain.moment_table import MomentTable

SearchWords = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]

_VIDEOS_KEPT = 16


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


class MomentSearch(Query[MomentsPage]):
    """What every search for moments takes. `label` names what is seen in the shots that a moment lies in; a moment is
    within `from_ms` and `to_ms` of its video when it overlaps them.
    """

    workspace_id: Uuid
    q: SearchWords
    kind: MomentKind | None = None
    label: Label | None = None
    from_ms: int | None = Field(None, ge=0)
    to_ms: int | None = Field(None, ge=0)
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)

    def rules(self) -> Iterable[FieldError]:
        if self.from_ms is not None and self.to_ms is not None and self.to_ms <= self.from_ms:
            yield FieldError("/to_ms", "not-after-from", "The end comes after the beginning")

    @property
    def walk(self) -> str:
        """What a cursor is bound to: all that is asked for but how many at a time."""
        return f"moments:{self.model_dump_json(exclude={'limit', 'cursor'})}"


class SearchMoments(MomentSearch):
    """Moments of one video that match by words or by meaning, best first. There are none before an analysis."""

    video_id: Uuid


class PageOfMoments:
    """Finds and shows one page of a search's moments."""

    def __init__(self, scope: ReadScope, embedder: Embedder, cursors: Cursors) -> None:
        self._clock = scope.runtime.clock
        self._embedder = embedder
        self._cursors = cursors

    def begun(self, asked: MomentSearch) -> tuple[str, int] | None:
        """The state of things that the walk began with and how many were shown since, `None` at its beginning."""
        if asked.cursor is None:
            return None
        state, _, shown = self._cursors.read(asked.cursor, asked.walk).rpartition(":")
        return state, int(shown)

    def of(
        self,
        asked: MomentSearch,
        tables: Sequence["MomentTable"],
        state: str,
        start: int,
        upto: int | None = None,
        video_ids: frozenset[str] | None = None,
    ) -> MomentsPage:
        """`video_ids` and `upto` leave out of the tables what isn't to be searched."""
        end = start + asked.limit
        wanted = Wanted(
            kind=asked.kind,
            label=asked.label,
            from_ms=asked.from_ms,
            to_ms=asked.to_ms,
            video_ids=video_ids,
            upto=upto,
        )
        hits = self._search(asked, tables, wanted, start)
        return MomentsPage(
            items=[_show(asked, hit) for hit in hits[: asked.limit]],
            next_cursor=self._cursors.make(f"{state}:{end}", asked.walk) if len(hits) > asked.limit else None,
            as_of=rfc3339(self._clock.now()),
        )

    def _search(self, asked: MomentSearch, tables: Sequence["MomentTable"], wanted: Wanted, start: int) -> list[Hit]:
        if not any(len(table) for table in tables):
            return []
        (vector,) = self._embedder.embed([asked.q])
        return search(asked.q, vector, tables, wanted, start=start, limit=asked.limit + 1)


def _show(asked: MomentSearch, hit: Hit) -> MomentView:
    table, row = hit.table, hit.row
    found = snippet(table.texts[row], asked.q)
    return MomentView(
        video_id=table.video_at(row).video_id,
        segment_id=table.segment_ids[row],
        start_ms=int(table.start_ms[row]),
        end_ms=int(table.end_ms[row]),
        score=round(hit.score, 4),
        kind=table.kinds[row].decode(),
        snippet=found.text,
        highlights=list(found.highlights),
    )


class SearchMomentsHandler:
    """Searches the results of the video's analysis themselves: what was just analysed is found at once."""

    def __init__(self, scope: ReadScope, page: PageOfMoments) -> None:
        self._scope = scope
        self._page = page

    def __call__(self, query: SearchMoments) -> Result[MomentsPage]:
        video = read_video(self._scope.store, query.workspace_id, query.video_id)
        if video is None:
            return Failure(NotFound())
        # A walk that began before a rerun ends on what it began on.
        analysis_id, start = self._page.begun(query) or (video.current_analysis_id, 0)
        if not analysis_id:
            return Success(self._page.of(query, (), "", start))
        table = _table_of(self._scope.runtime, query.workspace_id, query.video_id, analysis_id)
        return Success(self._page.of(query, [table], analysis_id, start))


@lru_cache(maxsize=_VIDEOS_KEPT)
def _table_of(runtime: Runtime, workspace_id: str, video_id: str, analysis_id: str) -> "MomentTable":
    return table_of(runtime, workspace_id, video_id, analysis_id)


def build(scope: ReadScope) -> SearchMomentsHandler:
    return SearchMomentsHandler(scope, PageOfMoments(scope, MiniLmEmbedder(), cursors(scope.runtime)))


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
