"""The credits that a workspace consumed, by UTC day, feature, user and project."""

from typing import NamedTuple

from functions.billing.events import CreditConsumed
from shared.messaging.projections import Addend, Fact, SumProjection


class UsageKey(NamedTuple):
    """What a sum is of. The day leads, so that a period is a range of keys."""

    day: str
    feature_code: str
    user_id: str | None
    project_id: str | None

    def __str__(self) -> str:
        return "#".join(part or "" for part in self)


def read_usage_key(key: str) -> UsageKey:
    """Sums from before users were told of end with the feature."""
    day, feature_code, *rest = key.split("#")
    user_id, project_id = (part or None for part in (*rest, "", "")[:2])
    return UsageKey(day, feature_code, user_id, project_id)


def _consumed(fact: Fact[CreditConsumed]) -> Addend:
    event = fact.event
    key = UsageKey(fact.occurred_at[:10], event.feature_code, event.user_id, event.project_id)
    return Addend(event.workspace_id, str(key), event.amount)


USAGE = SumProjection("usage", CreditConsumed, _consumed)
USAGE_TAG = "usage"
"""What every report over a workspace's usage carries."""
