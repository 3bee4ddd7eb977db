from functions.entry import http_function
from functions.videos.adapters.analyses import read_analysis, read_progress
from functions.videos.domain.analysis import Analysis, AnalysisStatus
from shared.aws.grants import EPHEMERAL_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class AnalysisErrorView(View):
    """Why an analysis failed: a stable code and a sentence."""

    reason: str
    message: str


class FailedFeatureView(View):
    """A feature that a completed analysis lacks, and why."""

    feature: str
    reason: str
    message: str


class AnalysisView(View):
    """`credits_held` is what is set aside until the analysis ends, `credits_charged` what it cost in the end."""

    analysis_id: str
    video_id: str
    status: str
    progress: float
    features: list[str]
    mode: str
    credits_held: int
    credits_charged: int
    error: AnalysisErrorView | None
    failed_features: list[FailedFeatureView]
    created_at: str
    completed_at: str | None
    deadline_at: str


class GetAnalysis(Query[AnalysisView]):
    workspace_id: Uuid
    video_id: Uuid
    analysis_id: Uuid


class GetAnalysisHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetAnalysis) -> Result[AnalysisView]:
        analysis = read_analysis(self._store, query.workspace_id, query.video_id, query.analysis_id)
        if analysis is None:
            return Failure(NotFound())
        return Success(show_analysis(analysis, read_progress(self._store, query.workspace_id, query.analysis_id)))


def show_analysis(analysis: Analysis, share: float | None) -> AnalysisView:
    """`share` is the worker's progress, `None` where it hasn't begun."""
    status, progress = analysis.status, share or 0.0
    if status is AnalysisStatus.QUEUED and share is not None:
        status = AnalysisStatus.RUNNING
    if status is AnalysisStatus.COMPLETED:
        progress = 1.0
    error = analysis.error
    return AnalysisView(
        analysis_id=analysis.analysis_id,
        video_id=analysis.video_id,
        status=status,
        progress=progress,
        features=list(analysis.features),
        mode=analysis.mode,
        credits_held=0 if analysis.has_ended else sum(analysis.held.values()),
        credits_charged=sum(analysis.charged.values()),
        error=AnalysisErrorView(reason=error.reason, message=error.message) if error else None,
        failed_features=[
            FailedFeatureView(feature=feature, reason=one.reason, message=one.message)
            for feature, one in analysis.failed_features.items()
        ],
        created_at=analysis.created_at,
        completed_at=analysis.completed_at,
        deadline_at=analysis.deadline_at,
    )


def build(scope: ReadScope) -> GetAnalysisHandler:
    return GetAnalysisHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/analyses/{analysis_id}",
    GetAnalysis,
    build,
    policy=Policy(permission="videos:read"),
    summary="One analysis and how far it has come",
    needs=FunctionNeeds(grants=(EPHEMERAL_READ,)),
)
lambda_handler = http_function(ENDPOINT)
