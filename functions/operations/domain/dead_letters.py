"""Dead letters: messages that nobody could handle, or that couldn't even be handed to whom they were meant for."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import StringConstraints

from shared.kernel.errors import Conflict
from shared.messaging.routing import QueueClass

DEAD, UNDELIVERED, FAILURES = "-dlq", "-undelivered", "-failures"
"""What the queue's name ends with: left by a subscriber, by a rule, by the reader of a stream."""

DeadLetterId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,80}\.[A-Za-z0-9-]{1,100}$")]
"""`<dead-letter queue>.<id that SQS gave>`: an event that several subscribers failed at is as many dead letters."""


class Outcome(StrEnum):
    REDRIVEN = "redriven"
    DISCARDED = "discarded"


class DecidedOtherwise(Conflict):
    def __init__(self, outcome: str) -> None:
        super().__init__(f"This dead letter is {outcome} already.")


class NothingToRedriveTo(Conflict):
    def __init__(self) -> None:
        super().__init__("This came from no queue: the next run makes up for it. Discard it.")


@dataclass(frozen=True, slots=True)
class DeadLetterQueue:
    """`origin` is the queue that its letters are redriven to; the function behind a stream or schedule has none."""

    name: str
    origin: str | None
    subscriber: str


class DeadLetterQueues:
    """All those of a stage, in the order of their names."""

    def __init__(self, queues: list[DeadLetterQueue]) -> None:
        self._queues = sorted(queues, key=lambda queue: queue.name)

    @classmethod
    def from_json(cls, text: str) -> "DeadLetterQueues":
        """From the names of what leaves dead letters: `queues`, `commands`, `streams` and `schedules`.

        `queues` are fed by a rule, which may fail to deliver; to the queues of `commands` their senders send.
        """
        sources: Mapping[str, list[str]] = json.loads(text)
        found: list[DeadLetterQueue] = []
        for name in sources.get("queues", []):
            found += [DeadLetterQueue(name + end, name, subscriber_of(name)) for end in (DEAD, UNDELIVERED)]
        found += [DeadLetterQueue(name + DEAD, name, subscriber_of(name)) for name in sources.get("commands", [])]
        found += [DeadLetterQueue(name + FAILURES, None, name) for name in sources.get("streams", [])]
        found += [DeadLetterQueue(name + UNDELIVERED, None, name) for name in sources.get("schedules", [])]
        return cls(found)

    def __iter__(self) -> Iterator[DeadLetterQueue]:
        return iter(self._queues)

    def named(self, name: str) -> list[DeadLetterQueue]:
        """The one of that name, or those of the queue of that name."""
        return [queue for queue in self._queues if name in (queue.name, queue.origin)]

    def of(self, dead_letter_id: str) -> DeadLetterQueue | None:
        name = dead_letter_id.split(".")[0]
        return next((queue for queue in self._queues if queue.name == name), None)


def subscriber_of(queue_name: str) -> str:
    """The name of a queue is its class and its subscriber's name."""
    classes = "|".join(QueueClass)
    return re.sub(f"^({classes})-", "", queue_name)


def undelivered_error(attributes: Mapping[str, str]) -> tuple[str, str] | None:
    """Code and reason that EventBridge gives with what it couldn't deliver."""
    if "ERROR_CODE" not in attributes:
        return None
    return attributes["ERROR_CODE"], attributes.get("ERROR_MESSAGE", "")


def stream_error(body: Any) -> tuple[str, str] | None:
    """Why Lambda gave up on a part of a stream."""
    match body:
        case {"requestContext": {"condition": str(condition)}, "DDBStreamBatchInfo": {"batchSize": size}}:
            return condition, f"{size} records of the stream were given up"
        case {"requestContext": {"condition": str(condition)}}:
            return condition, "a part of the stream was given up"
        case _:
            return None
