"""Structured JSON logs. Fields of messages are never logged, so neither are secrets or personal data.

Should one slip into what is logged beside a line all the same, it is recognised by its name and replaced.
"""

import json
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

REDACTED = "[redacted]"

_SECRET_WORDS = (
    "apikey",
    "authorization",
    "cookie",
    "credential",
    "email",
    "passphrase",
    "passwd",
    "password",
    "privatekey",
    "secret",
    "signature",
    "token",
)


@cache
def log() -> "Logger":
    from aws_lambda_powertools import Logger

    return Logger(service="visionscope", utc=True, json_serializer=_serialize)


def redact(value: Any) -> Any:
    """The same structure with the values of whatever is named like a secret replaced, at any depth."""
    if isinstance(value, str | int | float | None):
        return value
    if isinstance(value, Mapping):
        return {name: REDACTED if _is_secret(str(name)) else redact(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner) for inner in value]
    return value


@lru_cache(maxsize=1024)
def _is_secret(name: str) -> bool:
    plain = name.lower().replace("_", "").replace("-", "")
    return any(word in plain for word in _SECRET_WORDS)


def _serialize(record: dict[str, Any]) -> str:
    return json.dumps(redact(record), default=str, separators=(",", ":"), ensure_ascii=False)
