from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.results import ResultFile, current_results, redirect
from functions.videos.domain.results import RESULTS
from shared.cqrs.messages import Query
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class GetResults(Query[ResultFile]):
    """All that the latest completed analysis found, in one document; its JSON Schema is `analysis.schema.json`."""

    workspace_id: Uuid
    video_id: Uuid


class GetResultsHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetResults) -> Result[ResultFile]:
        results = current_results(self._scope, query.workspace_id, query.video_id)
        file = results.file(RESULTS) if results else None
        return Success(file) if file else Failure(NotFound())


def build(scope: ReadScope) -> GetResultsHandler:
    return GetResultsHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/results",
    GetResults,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's raw results",
    needs=FunctionNeeds(grants=(RESULTS_READ,)),
    present=redirect,
)
lambda_handler = http_function(ENDPOINT)
