"""Roles of a workspace, lowest first, and what each may do."""

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"
    OWNER = "owner"


_VIEWER = frozenset({"workspace:read", "credits:read", "videos:read", "conversations:read"})
_EDITOR = _VIEWER | {"videos:write", "conversations:write"}
_ADMIN = _EDITOR | {"workspace:write", "ledger:read"}
_OWNER = _ADMIN | {"workspace:own"}

PERMISSIONS: Mapping[Role, frozenset[str]] = {
    Role.VIEWER: _VIEWER,
    Role.EDITOR: _EDITOR,
    Role.ADMIN: _ADMIN,
    Role.OWNER: _OWNER,
}
