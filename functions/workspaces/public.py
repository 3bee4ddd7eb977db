"""What other contexts and the composition root may use of workspaces."""

from functions.workspaces.adapters.access import CollaboratorAccess
from functions.workspaces.adapters.projections import WORKSPACES
from functions.workspaces.domain.roles import API_KEY_SCOPES
from functions.workspaces.events import WorkspaceCreated
from shared.behaviors.authorization import WorkspaceAccess
from shared.persistence.scope import Runtime

__all__ = ["API_KEY_SCOPES", "EVENTS", "PROJECTIONS", "WorkspaceCreated", "workspace_access"]

EVENTS = (WorkspaceCreated,)
"""All that this context publishes."""

PROJECTIONS = (WORKSPACES,)
"""All read models of this context."""


def workspace_access(runtime: Runtime) -> WorkspaceAccess:
    return CollaboratorAccess(runtime)
