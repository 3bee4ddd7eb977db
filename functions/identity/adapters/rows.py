"""Rows and keys of identity: a user and their sessions are one partition, the API keys of a workspace another; an
address is claimed by a row of its own.
"""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from functions.identity.domain.accounts import digest
from shared.persistence.rows import DataRow

USER = "USER"
SESSION = "SESSION#"
CLAIM = "CLAIM"
API_KEY = "API-KEY#"
ADMINISTRATORS = "PLATFORM-ADMINISTRATORS"


def user_partition(user_id: str) -> str:
    return f"USER#{user_id}"


def email_partition(email: str) -> str:
    return f"EMAIL#{digest(email)}"


def api_keys_partition(workspace_id: str) -> str:
    return f"API-KEYS#{workspace_id}"


class UserRow(DataRow):
    email = UnicodeAttribute()
    name = UnicodeAttribute()
    password_hash = UnicodeAttribute()
    registered_at = UnicodeAttribute()


class EmailClaimRow(DataRow):
    user_id = UnicodeAttribute()


class AdministratorRow(DataRow):
    """A user who runs the platform; all of them are one partition, under their ids."""

    added_by = UnicodeAttribute()
    added_at = UnicodeAttribute()


class SessionRow(DataRow):
    """`refresh_digest` recognises the one refresh token that is good now; `expires_at` is in Unix seconds."""

    refresh_digest = UnicodeAttribute()
    started_at = UnicodeAttribute()
    expires_at = NumberAttribute()
    revoked_at = UnicodeAttribute(null=True)


class ApiKeyRow(DataRow):
    """`secret_digest` recognises the one secret that is good now; `expires_at` is in RFC 3339."""

    name = UnicodeAttribute()
    scopes = JSONAttribute()
    issued_by = UnicodeAttribute()
    secret_digest = UnicodeAttribute()
    created_at = UnicodeAttribute()
    rotated_at = UnicodeAttribute(null=True)
    expires_at = UnicodeAttribute(null=True)
