"""Structured JSON logs. Fields of messages are never logged, so neither are secrets or personal data."""

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger


@cache
def log() -> "Logger":
    from aws_lambda_powertools import Logger

    return Logger(service="visionscope", utc=True)
