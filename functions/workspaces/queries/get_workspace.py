from functions.billing.public import read_tier
from functions.entry import http_function
from functions.workspaces.adapters.access import read_role
from functions.workspaces.adapters.workspaces import read_workspace
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope


class WorkspaceView(View):
    workspace_id: str
    name: str
    tier: str
    role: str
    created_at: str


class GetWorkspace(Query[WorkspaceView]):
    workspace_id: Uuid


class GetWorkspaceHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetWorkspace) -> Result[WorkspaceView]:
        store = self._scope.store
        row = read_workspace(store, query.workspace_id)
        role = read_role(store, self._scope.context.principal, query.workspace_id)
        if row is None or role is None:
            return Failure(NotFound())
        return Success(
            WorkspaceView(
                workspace_id=query.workspace_id,
                name=row.name,
                tier=read_tier(store, query.workspace_id).name,
                role=role,
                created_at=row.created_at,
            )
        )


def build(scope: ReadScope) -> GetWorkspaceHandler:
    return GetWorkspaceHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}",
    GetWorkspace,
    build,
    policy=Policy(permission="workspace:read"),
    summary="One workspace",
)
lambda_handler = http_function(ENDPOINT)
