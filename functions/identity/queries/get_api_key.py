from functions.entry import http_function
from functions.identity.adapters.api_keys import ApiKeyView, read_api_key, show
from shared.cqrs.messages import Query
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope


class GetApiKey(Query[ApiKeyView]):
    """A key without its secret, which nobody is shown again."""

    workspace_id: Uuid
    api_key_id: Uuid


class GetApiKeyHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetApiKey) -> Result[ApiKeyView]:
        key = read_api_key(self._scope.store, query.workspace_id, query.api_key_id)
        return Failure(NotFound()) if key is None else Success(show(key, self._scope.runtime.clock))


def build(scope: ReadScope) -> GetApiKeyHandler:
    return GetApiKeyHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/api-keys/{api_key_id}",
    GetApiKey,
    build,
    policy=Policy(permission="api-keys:read"),
    summary="One API key",
)
lambda_handler = http_function(ENDPOINT)
