"""The credits that a workspace consumed, by UTC day and feature."""

from functions.billing.events import CreditConsumed
from shared.messaging.projections import Addend, Fact, SumProjection


def usage_key(day: str, feature_code: str) -> str:
    return f"{day}#{feature_code}"


def read_usage_key(key: str) -> tuple[str, str]:
    """The day and the feature code."""
    day, _, feature_code = key.partition("#")
    return day, feature_code


def _consumed(fact: Fact[CreditConsumed]) -> Addend:
    event = fact.event
    return Addend(event.workspace_id, usage_key(fact.occurred_at[:10], event.feature_code), event.amount)


USAGE = SumProjection("usage", CreditConsumed, _consumed)
USAGE_TAG = "usage"
"""What every report over a workspace's usage carries."""
