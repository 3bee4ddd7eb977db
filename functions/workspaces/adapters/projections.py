"""The workspaces of a user, newest first.

Only ids are kept: names are read from the workspaces themselves, and so is whether the user still belongs to them.
"""

from functions.workspaces.events import WorkspaceCreated
from shared.messaging.projections import Fact, State, StateProjection


def _membership(fact: Fact[WorkspaceCreated]) -> State:
    return State(fact.event.owner_id, fact.event.workspace_id, {})


WORKSPACES = StateProjection("workspaces", WorkspaceCreated, _membership)
