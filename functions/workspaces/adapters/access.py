from functions.workspaces.adapters.rows import COLLABORATOR, CollaboratorRow, workspace_partition
from functions.workspaces.domain.roles import PERMISSIONS, Role
from shared.kernel.principals import ApiKey, Principal, User
from shared.persistence.scope import Runtime
from shared.persistence.store import Store


def read_role(store: Store, principal: Principal, workspace_id: str) -> Role | None:
    """The role of a user in a workspace, read consistently, so that a removal is immediate.

    An API key has the role of the user whom it acts for, in its own workspace.
    """
    match principal:
        case User(user_id=user_id):
            pass
        case ApiKey(issued_by=user_id) if principal.workspace_id == workspace_id:
            pass
        case _:
            return None
    row = store.get(CollaboratorRow, workspace_partition(workspace_id), COLLABORATOR + user_id)
    return Role(row.role) if row else None


class CollaboratorAccess:
    """What a principal may do in a workspace, by the role of their collaboration."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        role = read_role(self._runtime.store, principal, workspace_id)
        return PERMISSIONS[role] if role else None
