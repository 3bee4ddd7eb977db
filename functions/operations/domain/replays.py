"""Replays: events of the log go to one subscriber again, whose inbox makes those without effect that it handled."""

import json
from dataclasses import dataclass

from functions.operations.domain.dead_letters import subscriber_of


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscriber of events of our own, with its queue."""

    subscriber: str
    queue: str
    source: str
    detail_type: str


def subscriptions_from_json(text: str) -> dict[str, Subscription]:
    """Subscriber -> its subscription, from `[[queue, source, detail type], …]`."""
    return {
        subscriber_of(queue): Subscription(subscriber_of(queue), queue, source, detail_type)
        for queue, source, detail_type in json.loads(text)
    }
