from collections.abc import Iterable
from typing import Annotated

from pydantic import Field

from functions.entry import http_function
from functions.videos.adapters.videos import read_video
from functions.videos.domain.analysis import DEFAULT_FEATURES, Feature, Mode
from functions.videos.domain.pricing import quote
from shared.cqrs.messages import Message, Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class AnalysisWish(Message):
    """What an analysis should do; the request and its estimate say it alike."""

    workspace_id: Uuid
    video_id: Uuid
    features: tuple[Feature, ...] = DEFAULT_FEATURES
    mode: Mode = Mode.FAST
    max_credits: Annotated[int, Field(ge=0)] | None = None

    def rules(self) -> Iterable[FieldError]:
        if not self.features:
            yield FieldError("/features", "too-short", "Name at least one feature")
        for index, feature in enumerate(self.features):
            if feature in self.features[:index]:
                yield FieldError(f"/features/{index}", "duplicate", f"{feature} is named twice")


class Estimate(View):
    """What an analysis would hold: in all, and by the credits' feature code."""

    credits: int
    by_feature: dict[str, int]


class EstimateAnalysis(AnalysisWish, Query[Estimate]):
    """Reserves and charges nothing."""


class EstimateAnalysisHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: EstimateAnalysis) -> Result[Estimate]:
        video = read_video(self._store, query.workspace_id, query.video_id)
        if video is None:
            return Failure(NotFound())
        media = video.analysable()
        if isinstance(media, Failure):
            return media
        by_feature = quote(query.features, media.value.duration_ms, has_audio=media.value.has_audio)
        return Success(Estimate(credits=sum(by_feature.values()), by_feature=by_feature))


def build(scope: ReadScope) -> EstimateAnalysisHandler:
    return EstimateAnalysisHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/analyses/estimate",
    EstimateAnalysis,
    build,
    method="POST",
    policy=Policy(permission="videos:read"),
    summary="What an analysis would cost",
)
lambda_handler = http_function(ENDPOINT)
