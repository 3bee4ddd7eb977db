"""Passwords are kept as Argon2id hashes (RFC 9106, the library's low-memory profile)."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from argon2 import PasswordHasher


@cache
def _hasher() -> "PasswordHasher":
    from argon2 import PasswordHasher
    from argon2.profiles import RFC_9106_LOW_MEMORY

    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


def hash_password(password: str) -> str:
    return _hasher().hash(password)


def password_matches(password: str, password_hash: str | None) -> bool:
    """Whether a password is the one hashed. Without a hash it says no after the same time, which reveals no account."""
    from argon2.exceptions import VerifyMismatchError

    try:
        return _hasher().verify(password_hash or _decoy(), password) and password_hash is not None
    except VerifyMismatchError:
        return False


@cache
def _decoy() -> str:
    return hash_password("no account has this password")
