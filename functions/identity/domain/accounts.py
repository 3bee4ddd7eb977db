"""Accounts: e-mail addresses, passwords and what refuses a log-in."""

import hashlib
import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field, SecretStr, StringConstraints
from pydantic_core import PydanticCustomError

from shared.kernel.errors import DuplicateEntity, Unauthenticated

_EMAIL = re.compile(r"[^@\s\x00-\x1f]{1,64}@[^@\s\x00-\x1f.]+(\.[^@\s\x00-\x1f.]+)+")
MIN_PASSWORD_LENGTH = 10
MAX_PASSWORD_LENGTH = 256


def _email(text: str) -> str:
    email = text.strip().lower()
    if len(email) > 254 or not _EMAIL.fullmatch(email):
        raise PydanticCustomError("invalid_email", "This is no e-mail address")
    return email


def _password(password: SecretStr) -> SecretStr:
    text = password.get_secret_value()
    if len(text) < MIN_PASSWORD_LENGTH:
        raise PydanticCustomError(
            "password_too_short", "A password has at least {least} characters", {"least": MIN_PASSWORD_LENGTH}
        )
    if len(text) > MAX_PASSWORD_LENGTH:
        raise PydanticCustomError(
            "password_too_long", "A password has at most {most} characters", {"most": MAX_PASSWORD_LENGTH}
        )
    if len(set(text)) < 5:
        raise PydanticCustomError("password_too_simple", "A password has at least 5 different characters")
    return password


def account_of(fields: Mapping[str, object]) -> str | None:
    """Which account a request is about, as far as its unread fields tell: the key of limits, not an address."""
    email = fields.get("email")
    return email.strip().lower() if isinstance(email, str) else None


Email = Annotated[str, AfterValidator(_email)]
"""Trimmed and lower-cased: one address is one account."""

NewPassword = Annotated[SecretStr, AfterValidator(_password)]
GivenPassword = Annotated[SecretStr, Field(max_length=1024)]
PersonName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]


class EmailTaken(DuplicateEntity):
    def __init__(self) -> None:
        super().__init__("An account with this e-mail address exists. Log in, or reset its password.")


class WrongCredentials(Unauthenticated):
    """The same for an unknown address and a wrong password."""

    def __init__(self) -> None:
        super().__init__("The e-mail address or the password is wrong.")


class SessionOver(Unauthenticated):
    def __init__(self) -> None:
        super().__init__("The session is over. Log in again.")


def digest(secret: str) -> str:
    """What is stored of an address used as a key, or of a refresh token: enough to recognise it, no more."""
    return hashlib.sha256(secret.encode()).hexdigest()
