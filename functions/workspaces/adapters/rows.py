"""Rows and keys of workspaces: a workspace and its collaborators are one partition."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

WORKSPACE = "WORKSPACE"
COLLABORATOR = "COLLABORATOR#"
OWNED = "OWNED-FREE-WORKSPACES"


def workspace_partition(workspace_id: str) -> str:
    return f"WORKSPACE#{workspace_id}"


def owner_partition(user_id: str) -> str:
    return f"WORKSPACE-OWNER#{user_id}"


class WorkspaceRow(DataRow):
    name = UnicodeAttribute()
    created_at = UnicodeAttribute()
    created_by = UnicodeAttribute()


class CollaboratorRow(DataRow):
    role = UnicodeAttribute()
    joined_at = UnicodeAttribute()


class OwnedWorkspacesRow(DataRow):
    """How many free workspaces a user owns."""

    owned = NumberAttribute()
