from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.result import Result, Success
from shared.persistence.rows import DataRow
from shared.persistence.scope import ReadScope


class Health(View):
    status: str
    stage: str


class GetHealth(Query[Health]):
    """Whether the API and its table answer."""


class GetHealthHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetHealth) -> Result[Health]:
        self._scope.store.get(DataRow, "HEALTH", "HEALTH")
        return Success(Health(status="ok", stage=self._scope.runtime.settings.stage))


def build(scope: ReadScope) -> GetHealthHandler:
    return GetHealthHandler(scope)


ENDPOINT = query("/v1/health", GetHealth, build, policy=Policy(public=True), summary="Whether the API answers")
lambda_handler = http_function(ENDPOINT)
