from functions.billing.public import CreditAccounts, RatedFeature
from functions.entry import http_function
from functions.videos.adapters.analyses import Analyses
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.analysis import Analysis, deadline
from functions.videos.domain.pricing import quote
from functions.videos.events import AnalysisRequested
from functions.videos.queries.estimate_analysis import AnalysisWish
from functions.videos.queries.get_analysis import AnalysisView, show_analysis
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, NotFound, ValidationFailed
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class RequestAnalysis(AnalysisWish, Command[AnalysisView]):
    """Holds what the analysis is quoted at and queues it. A second one of the same video is a rerun."""


class RequestAnalysisHandler:
    def __init__(self, scope: WriteScope, videos: Videos, analyses: Analyses, accounts: CreditAccounts) -> None:
        self._scope = scope
        self._videos = videos
        self._analyses = analyses
        self._accounts = accounts

    def __call__(self, command: RequestAnalysis) -> Result[AnalysisView]:
        principal, runtime = self._scope.context.principal, self._scope.runtime
        assert not isinstance(principal, Anonymous)
        video = read_video(self._scope.store, command.workspace_id, command.video_id)
        if video is None:
            return Failure(NotFound())
        media = video.analysable()
        if isinstance(media, Failure):
            return media
        analysis_id = runtime.ids.new()
        begun = video.begin_analysis(analysis_id)
        if isinstance(begun, Failure):
            return begun
        amounts = quote(command.features, media.value.duration_ms, has_audio=media.value.has_audio)
        total = sum(amounts.values())
        if command.max_credits is not None and total > command.max_credits:
            # Not 402: the workspace may well have the credits, it is the request that rules them out.
            message = f"The analysis takes {total} credits"
            return Failure(ValidationFailed([FieldError("/max_credits", "below-quote", message)], f"{message}."))
        held = self._accounts.hold(
            command.workspace_id,
            analysis_id,
            amounts,
            reference=f"analysis:{analysis_id}",
            project_id=video.project_id,
        )
        if isinstance(held, Failure):
            return held
        now = runtime.clock.now()
        analysis = Analysis(
            workspace_id=command.workspace_id,
            video_id=command.video_id,
            analysis_id=analysis_id,
            features=command.features,
            mode=command.mode,
            held=amounts,
            requested_by=principal.actor,
            correlation_id=self._scope.context.correlation_id,
            created_at=rfc3339(now),
            deadline_at=rfc3339(deadline(now, media.value.duration_ms)),
        )
        self._analyses.add(analysis)
        self._videos.save(begun.value)
        self._scope.uow.record(
            AnalysisRequested(
                workspace_id=analysis.workspace_id,
                video_id=analysis.video_id,
                analysis_id=analysis_id,
                features=analysis.features,
                mode=analysis.mode,
                credits_held=amounts,
                deadline_at=analysis.deadline_at,
            ),
            analysis_id,
            version=1,
        )
        return Success(show_analysis(analysis, share=None))


def build(scope: WriteScope) -> RequestAnalysisHandler:
    return RequestAnalysisHandler(scope, Videos(scope.uow), Analyses(scope.uow), CreditAccounts(scope))


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/videos/{video_id}/analyses",
    RequestAnalysis,
    build,
    status=202,
    policy=Policy(
        permission="videos:write",
        rate_limit=RateLimit(feature=RatedFeature.ANALYSES),
        idempotency=Idempotency.REQUIRED,
    ),
    summary="Analyse a video",
    location=lambda path, analysis: (
        f"/v1/workspaces/{path['workspace_id']}/videos/{path['video_id']}/analyses/{analysis.analysis_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
