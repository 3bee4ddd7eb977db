"""Roles of a workspace, lowest first, and what each may do."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"


_VIEWER = frozenset({"workspace:read", "projects:read", "credits:read", "videos:read", "conversations:read"})
_EDITOR = _VIEWER | {"projects:write", "videos:write", "conversations:write", "api-keys:read", "api-keys:write"}
_ADMIN = _EDITOR | {"workspace:write", "ledger:read", "audit:read"}
_OWNER = _ADMIN | {"workspace:own"}

PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}

API_KEY_SCOPES: frozenset[str] = _OWNER - {"workspace:own", "api-keys:read", "api-keys:write"}
"""What an API key can be let do: all but give the workspace away and make more keys."""
