from pydantic import Field

from functions.entry import http_function
from functions.identity.adapters.api_keys import ApiKeyView, show
from functions.identity.adapters.rows import API_KEY, ApiKeyRow, api_keys_partition
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class ApiKeysPage(View):
    """`total_count` is there when `include_total` asks for it."""

    items: list[ApiKeyView]
    next_cursor: str | None
    as_of: str
    total_count: int | None = None


class ListApiKeys(Query[ApiKeysPage]):
    workspace_id: Uuid
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


class ListApiKeysHandler:
    """Reads the keys themselves, so that a revoked one is gone at once."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: ListApiKeys) -> Result[ApiKeysPage]:
        store, clock = self._scope.store, self._scope.runtime.clock
        partition, walk = api_keys_partition(query.workspace_id), f"api-keys:{query.workspace_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = store.page(ApiKeyRow, partition, API_KEY, after=after, limit=query.limit, newest_first=True)
        return Success(
            ApiKeysPage(
                items=[show(row, clock) for row in page.rows],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(clock.now()),
                total_count=sum(1 for _ in store.all(ApiKeyRow, partition, API_KEY)) if query.include_total else None,
            )
        )


def build(scope: ReadScope) -> ListApiKeysHandler:
    return ListApiKeysHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/api-keys",
    ListApiKeys,
    build,
    policy=Policy(permission="api-keys:read"),
    summary="The API keys of a workspace, newest first",
    needs=FunctionNeeds(grants=(CURSOR_SECRET,)),
)
lambda_handler = http_function(ENDPOINT)
