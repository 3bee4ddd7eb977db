from functions.billing.public import FREE, CreditAccounts, RatedFeature
from functions.entry import http_function
from functions.workspaces.adapters.workspaces import Workspaces
from functions.workspaces.domain.roles import Role
from functions.workspaces.domain.workspace import WorkspaceName
from functions.workspaces.events import WorkspaceCreated
from functions.workspaces.queries.get_workspace import WorkspaceView
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Forbidden
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class CreateWorkspace(Command[WorkspaceView]):
    """A workspace always starts in the Free tier, owned by its creator."""

    name: WorkspaceName


class CreateWorkspaceHandler:
    def __init__(self, scope: WriteScope, workspaces: Workspaces, accounts: CreditAccounts) -> None:
        self._scope = scope
        self._workspaces = workspaces
        self._accounts = accounts

    def __call__(self, command: CreateWorkspace) -> Result[WorkspaceView]:
        owner = self._scope.context.principal
        if not isinstance(owner, User):
            return Failure(Forbidden("Only a user can own a workspace."))
        workspace_id = self._scope.runtime.ids.new()
        created_at = rfc3339(self._scope.runtime.clock.now())
        added = self._workspaces.add(workspace_id, command.name, owner.user_id, created_at)
        if isinstance(added, Failure):
            return added
        self._accounts.open(workspace_id, FREE)
        self._scope.uow.record(
            WorkspaceCreated(workspace_id=workspace_id, owner_id=owner.user_id, tier=FREE.name), workspace_id, version=1
        )
        return Success(
            WorkspaceView(
                workspace_id=workspace_id,
                name=command.name,
                tier=FREE.name,
                role=Role.OWNER,
                created_at=created_at,
            )
        )


def build(scope: WriteScope) -> CreateWorkspaceHandler:
    return CreateWorkspaceHandler(scope, Workspaces(scope.uow), CreditAccounts(scope))


ENDPOINT = command(
    "POST",
    "/v1/workspaces",
    CreateWorkspace,
    build,
    status=201,
    policy=Policy(
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        idempotency=Idempotency.OPTIONAL,
        audit="CreateWorkspace",
    ),
    summary="Create a workspace",
    location=lambda _path, workspace: f"/v1/workspaces/{workspace.workspace_id}",
)
lambda_handler = http_function(ENDPOINT)
