"""Structured JSON logs, a line a record. Fields of messages are never logged, so neither are secrets or personal data.

Should one slip into what is logged beside a line all the same, it is recognised by its name and replaced.

This is the standard library's logging with a formatter: what a function would import of a logging library besides takes
a tenth of its cold start.
"""

import json
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import Any

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
def log() -> logging.Logger:
    """The process' logger, to standard output, from the level `LOG_LEVEL` on. `extra` are the members of a line."""
    logger = logging.getLogger("visionscope")
    logger.setLevel(os.environ.get("LOG_LEVEL", "INFO"))
    # Lambda's own handler at the root would write each line once more.
    logger.propagate = False
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(os.environ.get("SERVICE", "visionscope")))
    logger.addHandler(handler)
    return logger


@contextmanager
def logged_with(**members: object) -> Iterator[None]:
    """Meanwhile every line of this process has these members too."""

    def add(record: logging.LogRecord) -> bool:
        vars(record).update(members)
        return True

    log().addFilter(add)
    try:
        yield
    finally:
        log().removeFilter(add)


class JsonLines(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "service": self._service,
            "location": f"{record.module}.{record.funcName}:{record.lineno}",
        }
        trace = os.environ.get("_X_AMZN_TRACE_ID")
        if trace is not None:
            line["xray_trace_id"] = trace.partition(";")[0].removeprefix("Root=")
        line |= {name: value for name, value in vars(record).items() if name not in _OWN_MEMBERS}
        if record.exc_info and record.exc_info[0] is not None:
            line["exception_name"] = record.exc_info[0].__name__
            line["exception"] = self.formatException(record.exc_info)
        return _encode(redact(line))


_OWN_MEMBERS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has, so that the rest is what was given as `extra`."""

_encode = json.JSONEncoder(default=str, separators=(",", ":"), ensure_ascii=False).encode


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
