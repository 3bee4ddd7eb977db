from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.queries.get_analysis import AnalysisView, show_analysis
from shared.aws.grants import EPHEMERAL_WRITE
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class CancelAnalysis(Command[AnalysisView]):
    """Ends an analysis that hasn't ended, at once and free of charge; a worker that is at it stops within a minute."""

    workspace_id: Uuid
    video_id: Uuid
    analysis_id: Uuid


class CancelAnalysisHandler:
    def __init__(self, endings: AnalysisEndings) -> None:
        self._endings = endings

    def __call__(self, command: CancelAnalysis) -> Result[AnalysisView]:
        cancelled = self._endings.cancel(command.workspace_id, command.video_id, command.analysis_id)
        if isinstance(cancelled, Failure):
            return cancelled
        return Success(show_analysis(cancelled.value, share=None))


def build(scope: WriteScope) -> CancelAnalysisHandler:
    return CancelAnalysisHandler(AnalysisEndings(scope))


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/videos/{video_id}/analyses/{analysis_id}/cancellation",
    CancelAnalysis,
    build,
    status=202,
    policy=Policy(
        permission="videos:write",
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        idempotency=Idempotency.OPTIONAL,
    ),
    summary="Cancel an analysis",
    needs=FunctionNeeds(grants=(EPHEMERAL_WRITE,)),
    location=lambda path, analysis: (
        f"/v1/workspaces/{path['workspace_id']}/videos/{path['video_id']}/analyses/{analysis.analysis_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
