"""Declarations of what reacts to messages. Infrastructure makes the function, its role, its queue and its rule from
them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias

from pydantic import ConfigDict

from shared.aws.grants import Grant
from shared.cqrs.messages import Event, IntegrationEvent, MessageCommand

BatchAnswer: TypeAlias = dict[str, list[dict[str, str]]]
"""What a batch consumer answers: `{"batchItemFailures": [{"itemIdentifier": …}]}`."""


class QueueClass(StrEnum):
    """Which class of queue a subscriber's own queue is made by; its numbers are in `QUEUES`."""

    BILLING = "billing"
    VIDEO_PROCESSING = "video-processing"
    NOTIFICATIONS = "notifications"
    ANALYTICS = "analytics"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueSettings:
    """`visibility_seconds` must outlast the consumer's timeout six times, as AWS advises for Lambda."""

    visibility_seconds: int
    max_receive_count: int
    batch_size: int
    max_concurrency: int
    first_backoff_seconds: int
    alarm_severity: str


QUEUES: Mapping[QueueClass, QueueSettings] = {
    QueueClass.BILLING: QueueSettings(
        visibility_seconds=180,
        max_receive_count=8,
        batch_size=5,
        max_concurrency=10,
        first_backoff_seconds=2,
        alarm_severity="critical",
    ),
    QueueClass.VIDEO_PROCESSING: QueueSettings(
        visibility_seconds=360,
        max_receive_count=5,
        batch_size=1,
        max_concurrency=20,
        first_backoff_seconds=5,
        alarm_severity="critical",
    ),
    QueueClass.NOTIFICATIONS: QueueSettings(
        visibility_seconds=180,
        max_receive_count=6,
        batch_size=5,
        max_concurrency=5,
        first_backoff_seconds=10,
        alarm_severity="warning",
    ),
    QueueClass.ANALYTICS: QueueSettings(
        visibility_seconds=180,
        max_receive_count=5,
        batch_size=10,
        max_concurrency=5,
        first_backoff_seconds=10,
        alarm_severity="warning",
    ),
    QueueClass.DEFAULT: QueueSettings(
        visibility_seconds=180,
        max_receive_count=5,
        batch_size=5,
        max_concurrency=10,
        first_backoff_seconds=5,
        alarm_severity="warning",
    ),
}


def queue_name(queue: QueueClass, reader: str) -> str:
    """The logical name of a reader's own queue."""
    return f"{queue}-{reader}"


class ForeignEvent(Event):
    """An event of an AWS service on the account's default bus. Fields that aren't declared are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    source: ClassVar[str]
    detail_type: ClassVar[str]
    detail_filter: ClassVar[Mapping[str, Any]] = {}
    """EventBridge pattern on the detail. `{"resource": "…"}` values are resolved by infrastructure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionNeeds:
    """What a function needs of its environment besides the code: its grants, its layers and its size."""

    grants: tuple[Grant, ...] = ()
    layers: tuple[str, ...] = ()
    """Dependency layers besides the common one: `embedding`, `media`."""
    memory_mb: int = 512
    timeout_seconds: int = 28


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A reaction to an event, or the handler of a queued command, with a queue and DLQ of its own."""

    name: str
    message: type[IntegrationEvent] | type[ForeignEvent] | type[MessageCommand]
    queue: QueueClass
    build: Callable[[Any], Callable[[Any], Any]]
    needs: FunctionNeeds = field(default_factory=FunctionNeeds)

    @property
    def queue_name(self) -> str:
        return queue_name(self.queue, self.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Work that runs at a fixed rate."""

    name: str
    every_minutes: int
    needs: FunctionNeeds = field(default_factory=FunctionNeeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamConsumer:
    """A function on a table's stream; it gets the new items only."""

    name: str
    table: str
    needs: FunctionNeeds = field(default_factory=FunctionNeeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTap:
    """A queue and function that get every event of the bus."""

    name: str
    queue: QueueClass
    needs: FunctionNeeds = field(default_factory=FunctionNeeds)

    @property
    def queue_name(self) -> str:
        return queue_name(self.queue, self.name)
