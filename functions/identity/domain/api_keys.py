"""API keys: what software signs in with, within one workspace.

The secret is `vsk_` and 86 characters: the workspace's and the key's ids, so that one read finds the key, and 256
random bits. The prefix makes a leaked one recognisable (`vsk_[A-Za-z0-9_-]{86}` is the pattern for a secret scanner).

Its SHA-256 is all that is stored. A slow hash such as Argon2id makes guesses expensive where secrets are few and
guessable, as passwords are; nobody guesses 256 random bits, and the hash is computed at every single request.
"""

import base64
import binascii
import secrets
import uuid
from typing import Annotated, NamedTuple

from pydantic import Field, StringConstraints

from shared.kernel.errors import DomainError, Forbidden

PREFIX = "vsk_"
_ID_BYTES = 16
_RANDOM_BYTES = 32

ApiKeyName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Scopes = Annotated[list[Annotated[str, StringConstraints(max_length=100)]], Field(min_length=1, max_length=50)]


class ApiKeyId(NamedTuple):
    workspace_id: str
    api_key_id: str


def new_secret(api_key: ApiKeyId) -> str:
    ids = b"".join(uuid.UUID(one).bytes for one in api_key)
    packed = base64.urlsafe_b64encode(ids + secrets.token_bytes(_RANDOM_BYTES))
    return PREFIX + packed.decode().rstrip("=")


def named_by(secret: str) -> ApiKeyId | None:
    """Which key a secret claims to be of; `None` for what no key's secret looks like."""
    packed = secret.removeprefix(PREFIX)
    if packed == secret:
        return None
    try:
        raw = base64.b64decode(packed + "=" * (-len(packed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(raw) != 2 * _ID_BYTES + _RANDOM_BYTES:
        return None
    return ApiKeyId(str(uuid.UUID(bytes=raw[:_ID_BYTES])), str(uuid.UUID(bytes=raw[_ID_BYTES : 2 * _ID_BYTES])))


def refuse_change(*, issued_by: str, user_id: str, permissions: frozenset[str]) -> DomainError | None:
    """Why a user may not rotate or revoke a key: those of others are for who runs the workspace."""
    if issued_by == user_id or "workspace:write" in permissions:
        return None
    return Forbidden("Only who issued an API key and who runs the workspace may change it.")
