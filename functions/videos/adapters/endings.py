"""How an analysis ends: once, in one transaction with its video and the credits that were held for it."""

from collections.abc import Mapping

from functions.billing.public import CreditAccounts
from functions.videos.adapters.analyses import Analyses, read_analysis
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.analysis import Analysis, AnalysisError, Feature
from functions.videos.domain.pricing import charge
from functions.videos.events import AnalysisCancelled, AnalysisCompleted, AnalysisFailed
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class AnalysisEndings:
    """Ends analyses for whoever learns of it first. What ended before, or never was, is left as it is; who wants to
    cancel it is told.
    """

    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope
        self._analyses = Analyses(scope.uow)
        self._videos = Videos(scope.uow)
        self._accounts = CreditAccounts(scope)

    def complete(
        self,
        workspace_id: str,
        video_id: str,
        analysis_id: str,
        *,
        duration_ms: int,
        counts: Mapping[str, int],
        failed_features: Mapping[Feature, AnalysisError],
    ) -> Result[None]:
        """Charges what was done: a feature that failed is free."""
        analysis = self._running(workspace_id, video_id, analysis_id)
        if analysis is None:
            return Success(None)
        done = tuple(feature for feature in analysis.features if feature not in failed_features)
        charged = charge(done, duration_ms, analysis.held)
        settled = self._accounts.settle(workspace_id, analysis_id, charged)
        if isinstance(settled, Failure):
            return settled
        version = self._analyses.end(analysis.completed(charged, failed_features, self._now()))
        self._end_for_video(analysis, completed=True)
        self._scope.uow.record(
            AnalysisCompleted(
                workspace_id=workspace_id,
                video_id=video_id,
                analysis_id=analysis_id,
                features=done,
                failed_features=tuple(failed_features),
                duration_ms=duration_ms,
                counts=dict(counts),
                credits_charged=charged,
            ),
            analysis_id,
            version,
        )
        return Success(None)

    def fail(self, workspace_id: str, video_id: str, analysis_id: str, error: AnalysisError) -> Result[None]:
        analysis = self._running(workspace_id, video_id, analysis_id)
        if analysis is None:
            return Success(None)
        released = self._accounts.settle(workspace_id, analysis_id, {})
        if isinstance(released, Failure):
            return released
        version = self._analyses.end(analysis.failed(error, self._now()))
        self._end_for_video(analysis, completed=False)
        self._scope.uow.record(
            AnalysisFailed(workspace_id=workspace_id, video_id=video_id, analysis_id=analysis_id, reason=error.reason),
            analysis_id,
            version,
        )
        return Success(None)

    def cancel(self, workspace_id: str, video_id: str, analysis_id: str) -> Result[Analysis]:
        """End an analysis for whoever asked for it. Nothing of it can be used, so nothing of it is charged."""
        cancelled = self.cancel_for_deletion(workspace_id, video_id, analysis_id)
        if isinstance(cancelled, Success):
            self._end_for_video(cancelled.value, completed=False)
        return cancelled

    def cancel_for_deletion(self, workspace_id: str, video_id: str, analysis_id: str) -> Result[Analysis]:
        """As `cancel`, for whoever writes the video too."""
        analysis = read_analysis(self._scope.store, workspace_id, video_id, analysis_id)
        if analysis is None:
            return Failure(NotFound())
        if analysis.has_ended:
            return Failure(Conflict(f"The analysis has ended: it is {analysis.status}."))
        released = self._accounts.settle(workspace_id, analysis_id, {})
        if isinstance(released, Failure):
            return released
        cancelled = analysis.cancelled(self._now())
        version = self._analyses.end(cancelled)
        self._analyses.withdraw(analysis, self._scope.runtime.clock.now())
        self._scope.uow.record(
            AnalysisCancelled(workspace_id=workspace_id, video_id=video_id, analysis_id=analysis_id),
            analysis_id,
            version,
        )
        return Success(cancelled)

    def _running(self, workspace_id: str, video_id: str, analysis_id: str) -> Analysis | None:
        analysis = read_analysis(self._scope.store, workspace_id, video_id, analysis_id)
        if analysis is None or analysis.has_ended:
            return None
        # The events of Batch and of the clock know nothing of the request that this belongs to.
        self._scope.context.correlation_id = analysis.correlation_id
        return analysis

    def _end_for_video(self, analysis: Analysis, *, completed: bool) -> None:
        video = read_video(self._scope.store, analysis.workspace_id, analysis.video_id)
        if video is not None:
            self._videos.save(video.end_analysis(analysis.analysis_id, completed=completed))

    def _now(self) -> str:
        return rfc3339(self._scope.runtime.clock.now())
