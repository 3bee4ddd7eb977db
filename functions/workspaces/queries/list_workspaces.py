from pydantic import Field

from functions.billing.public import read_tier
from functions.entry import http_function
from functions.workspaces.adapters.projections import WORKSPACES
from functions.workspaces.adapters.workspaces import read_memberships
from functions.workspaces.queries.get_workspace import WorkspaceView
from shared.aws.grants import CURSOR_SECRET, READ_MODELS_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Forbidden
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.messaging.projections import ReadModel
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class WorkspacesPage(View):
    """`total_count` is there when `include_total` asks for it."""

    items: list[WorkspaceView]
    next_cursor: str | None
    as_of: str
    total_count: int | None = None


class ListWorkspaces(Query[WorkspacesPage]):
    """The caller's own."""

    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


class ListWorkspacesHandler:
    """The read model tells which workspaces the user came to, and the workspaces themselves who belongs to them now: a
    list that lags shows nobody what they may not see any more.
    """

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors
        self._model = ReadModel(scope.store, WORKSPACES.name)

    def __call__(self, query: ListWorkspaces) -> Result[WorkspacesPage]:
        user = self._scope.context.principal
        if not isinstance(user, User):
            return Failure(Forbidden("Only a user has workspaces of their own."))
        store, walk = self._scope.store, f"workspaces:{user.user_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = self._model.page(user.user_id, after=after, limit=query.limit)
        return Success(
            WorkspacesPage(
                items=[
                    WorkspaceView(
                        workspace_id=one.workspace_id,
                        name=one.name,
                        tier=read_tier(store, one.workspace_id).name,
                        role=one.role,
                        created_at=one.created_at,
                    )
                    for one in read_memberships(store, user.user_id, [row.sk for row in page.rows])
                ],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
                total_count=sum(1 for _ in self._model.states(user.user_id)) if query.include_total else None,
            )
        )


def build(scope: ReadScope) -> ListWorkspacesHandler:
    return ListWorkspacesHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces",
    ListWorkspaces,
    build,
    policy=Policy(),
    summary="The caller's workspaces, newest first",
    needs=FunctionNeeds(grants=(READ_MODELS_READ, CURSOR_SECRET)),
)
lambda_handler = http_function(ENDPOINT)
