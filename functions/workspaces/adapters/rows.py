"""Rows and keys of workspaces: a workspace, its collaborators and its projects are one partition."""

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

WORKSPACE = "WORKSPACE"
COLLABORATOR = "COLLABORATOR#"
PROJECT = "PROJECT#"
PROJECT_NAME = "PROJECT-NAME#"
PROJECT_COUNT = "PROJECT-COUNT"
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


class ProjectRow(DataRow):
    """The sort key ends with the project's id, a UUIDv7."""

    name = UnicodeAttribute()
    created_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    archived_at = UnicodeAttribute(null=True)


class ProjectNameRow(DataRow):
    """Claims a name for a project that isn't archived."""

    project_id = UnicodeAttribute()


class ProjectCountRow(DataRow):
    """How many projects of a workspace aren't archived."""

    active = NumberAttribute()
