"""What other contexts and the composition root may use of workspaces."""

from functions.workspaces.adapters.access import CollaboratorAccess
from functions.workspaces.adapters.projections import WORKSPACES
from functions.workspaces.adapters.projects import read_project, require_project
from functions.workspaces.domain.roles import API_KEY_SCOPES
from functions.workspaces.events import ProjectArchived, ProjectCreated, ProjectRenamed, WorkspaceCreated
from shared.behaviors.authorization import WorkspaceAccess
from shared.persistence.scope import Runtime

__all__ = [
    "API_KEY_SCOPES",
    "EVENTS",
    "PROJECTIONS",
    "ProjectArchived",
    "ProjectCreated",
    "ProjectRenamed",
    "WorkspaceCreated",
    "read_project",
    "require_project",
    "workspace_access",
]

EVENTS = (ProjectArchived, ProjectCreated, ProjectRenamed, WorkspaceCreated)
"""All that this context publishes."""

PROJECTIONS = (WORKSPACES,)
"""All read models of this context."""


def workspace_access(runtime: Runtime) -> WorkspaceAccess:
    return CollaboratorAccess(runtime)
