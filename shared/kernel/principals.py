"""Who is calling. The edge resolves it; behaviors and handlers only read it."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Anonymous:
    """Nobody, with the reason to tell: no credentials were sent, or they were no longer good."""

    reason: str = "No credentials were sent."


@dataclass(frozen=True, slots=True)
class User:
    user_id: str
    session_id: str

    @property
    def actor(self) -> str:
        return f"user:{self.user_id}"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """Software that a user, `issued_by`, let into one workspace, to do there what `scopes` name and they may do too."""

    key_id: str
    workspace_id: str
    issued_by: str
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        return f"api-key:{self.key_id}"


@dataclass(frozen=True, slots=True)
class System:
    """The system itself, reacting to an event or a schedule."""

    name: str

    @property
    def actor(self) -> str:
        return f"system:{self.name}"


Principal: TypeAlias = Anonymous | User | ApiKey | System
