"""What other contexts, the composition root and the operator's command line may use of identity."""

from functions.identity.adapters.administrators import (
    Administrators,
    NamedAdministrators,
    all_administrators,
    find_user_id,
)
from functions.identity.events import (
    ApiKeyCreated,
    ApiKeyRevoked,
    ApiKeyRotated,
    SessionRevoked,
    SessionStarted,
    UserRegistered,
)
from shared.behaviors.authorization import PlatformAdministrators
from shared.persistence.scope import Runtime

__all__ = [
    "EVENTS",
    "Administrators",
    "ApiKeyCreated",
    "ApiKeyRevoked",
    "ApiKeyRotated",
    "SessionRevoked",
    "SessionStarted",
    "UserRegistered",
    "all_administrators",
    "find_user_id",
    "platform_administrators",
]

EVENTS = (ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated, SessionRevoked, SessionStarted, UserRegistered)
"""All that this context publishes."""


def platform_administrators(runtime: Runtime) -> PlatformAdministrators:
    return NamedAdministrators(runtime)
