from collections.abc import Sequence
from dataclasses import dataclass

from functions.workspaces.adapters.rows import (
    COLLABORATOR,
    OWNED,
    WORKSPACE,
    CollaboratorRow,
    OwnedWorkspacesRow,
    WorkspaceRow,
    owner_partition,
    workspace_partition,
)
from functions.workspaces.domain.roles import Role
from functions.workspaces.domain.workspace import MAX_FREE_WORKSPACES, TooManyFreeWorkspaces
from shared.kernel.result import Failure, Result, Success
from shared.persistence.batch_reads import get_many
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork


def read_workspace(store: Store, workspace_id: str) -> WorkspaceRow | None:
    return store.get(WorkspaceRow, workspace_partition(workspace_id), WORKSPACE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    workspace_id: str
    name: str
    role: Role
    created_at: str


def read_memberships(store: Store, user_id: str, workspace_ids: Sequence[str]) -> list[Membership]:
    """Those of the workspaces that the user belongs to, read consistently."""
    partitions = [workspace_partition(one) for one in workspace_ids]
    workspaces = get_many(store, WorkspaceRow, [(one, WORKSPACE) for one in partitions])
    collaborators = get_many(store, CollaboratorRow, [(one, COLLABORATOR + user_id) for one in partitions])
    return [
        Membership(workspace_id=workspace_id, name=workspace.name, role=Role(own.role), created_at=workspace.created_at)
        for workspace_id, workspace, own in zip(workspace_ids, workspaces, collaborators, strict=True)
        if workspace and own
    ]


class Workspaces:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, workspace_id: str, name: str, owner_id: str, created_at: str) -> Result[None]:
        """Add a free workspace with its owner; refuses when the owner has as many as a user may own."""
        partition = workspace_partition(workspace_id)
        self._uow.insert(
            WorkspaceRow(pk=partition, sk=WORKSPACE, name=name, created_at=created_at, created_by=owner_id, version=1)
        )
        self._uow.insert(
            CollaboratorRow(pk=partition, sk=COLLABORATOR + owner_id, role=Role.OWNER, joined_at=created_at, version=1)
        )
        return self._count_owned(owner_id)

    def _count_owned(self, owner_id: str) -> Result[None]:
        partition = owner_partition(owner_id)
        row = self._uow.store.get(OwnedWorkspacesRow, partition, OWNED)
        if row is None:
            self._uow.insert(OwnedWorkspacesRow(pk=partition, sk=OWNED, owned=1))
        elif row.owned >= MAX_FREE_WORKSPACES:
            return Failure(TooManyFreeWorkspaces())
        else:
            self._uow.put(
                OwnedWorkspacesRow(pk=partition, sk=OWNED, owned=row.owned + 1),
                condition=OwnedWorkspacesRow.owned == row.owned,
            )
        return Success(None)
