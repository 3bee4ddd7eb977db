"""Publishes outbox items at least once: events to EventBridge, commands to their handlers' queues.

Entries go out in groups of at most 10 and 256 KB. PutEvents may refuse some entries of a group: only those are sent
again. An item counts as published when all its events were accepted; then it is marked, leaves the sparse index and
expires. An item whose events are elsewhere and can't be read holds up no other.
"""

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.aws.settings import Settings
from shared.kernel.clock import Clock, rfc3339
from shared.messaging.envelope import Destination, Envelope
from shared.messaging.outbox import PUBLISHED_KEPT_SECONDS, SHARDS, OutboxItem
from shared.messaging.payloads import DamagedPayload, Payloads, PayloadUnavailable
from shared.messaging.queues import Queues, QueueUnavailable
from shared.observability.logger import log
from shared.persistence.rows import key_of

MAX_ENTRIES = 10
MAX_BYTES = 250_000
MAX_MARKS = 100
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class _Entry:
    item_id: str
    request: dict[str, str]
    size: int


@dataclass(frozen=True, slots=True)
class _Command:
    item_id: str
    body: str


class Publisher:
    def __init__(
        self,
        events: Any,
        dynamodb: Any,
        settings: Settings,
        clock: Clock,
        sleep: Callable[[float], None] = time.sleep,
        payloads: Payloads | None = None,
        queues: Queues | None = None,
    ) -> None:
        self._events = events
        self._dynamodb = dynamodb
        self._settings = settings
        self._clock = clock
        self._sleep = sleep
        self._payloads = payloads
        self._queues = queues

    def publish(self, items: Sequence[OutboxItem]) -> frozenset[str]:
        """Publish and mark items; returns the ids of those that could not be published or marked.

        A call that fails as a whole, after botocore's own repetitions, fails the items of its group and no others.
        """
        refused: set[str] = set()
        commands: dict[Destination, list[_Command]] = {}
        for group in _groups(self._entries(items, refused, commands)):
            refused |= self._put(group)
        for destination, sent in commands.items():
            for start in range(0, len(sent), MAX_ENTRIES):
                refused |= self._send(destination, sent[start : start + MAX_ENTRIES])
        published = [item for item in items if item.item_id not in refused]
        for start in range(0, len(published), MAX_MARKS):
            refused |= self._mark(published[start : start + MAX_MARKS])
        return frozenset(refused)

    def unpublished(self, older_than: str) -> Iterator[OutboxItem]:
        """Items recorded before a time (RFC 3339) that are still unpublished, oldest first within each shard.

        One that can't be read is logged and left where it is: it counts as unpublished, and holds up no other.
        """
        for shard in range(SHARDS):
            request: dict[str, Any] = {
                "TableName": self._settings.table("outbox"),
                "IndexName": "unpublished",
                "KeyConditionExpression": "#shard = :shard AND recorded_at < :before",
                "ExpressionAttributeNames": {"#shard": "shard"},
                "ExpressionAttributeValues": {":shard": {"S": str(shard)}, ":before": {"S": older_than}},
            }
            while True:
                answer = self._dynamodb.query(**request)
                for attributes in answer["Items"]:
                    try:
                        item = OutboxItem.from_attributes(attributes)
                    except (ValueError, TypeError):
                        key = {name: attributes[name]["S"] for name in ("pk", "sk")}
                        log().exception("an outbox item can't be read", extra=key)
                        continue
                    yield item
                if "LastEvaluatedKey" not in answer:
                    break
                request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def _entries(
        self, items: Sequence[OutboxItem], unreadable: set[str], commands: dict[Destination, list[_Command]]
    ) -> Iterator[_Entry]:
        """The entries of all events; what is no event is left in `unreadable` and `commands`."""
        bus = self._settings["BUS_NAME"]
        for item in items:
            events = self._read(item)
            if events is None:
                unreadable.add(item.item_id)
                continue
            for event in events:
                if event.destination is not None:
                    command = _Command(item.item_id, json.dumps(_body(event), ensure_ascii=False))
                    commands.setdefault(event.destination, []).append(command)
                    continue
                detail = event.detail_json()
                request = {
                    "EventBusName": bus,
                    "Source": event.source,
                    "DetailType": event.detail_type,
                    "Time": event.metadata.occurred_at,
                    "Detail": detail,
                }
                # As EventBridge counts: 14 bytes for the time, then the strings in UTF-8.
                size = 14 + sum(len(request[name].encode()) for name in ("Source", "DetailType", "Detail"))
                yield _Entry(item.item_id, request, size)

    def _read(self, item: OutboxItem) -> tuple[Envelope, ...] | None:
        if self._payloads is None or item.payload is None:
            return None if item.payload else item.events
        try:
            return item.resolve(self._payloads)
        except (DamagedPayload, PayloadUnavailable):
            log().exception("the events of an outbox item can't be read", extra={"item_id": item.item_id})
            return None

    def _put(self, group: list[_Entry]) -> set[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.1 * 2**attempt))
            try:
                answer = self._events.put_events(Entries=[entry.request for entry in group])
            except (BotoCoreError, ClientError):
                log().exception("events were not published", extra={"entries": len(group)})
                break
            group = [entry for entry, outcome in zip(group, answer["Entries"], strict=True) if outcome.get("ErrorCode")]
            if not group:
                return set()
        return {entry.item_id for entry in group}

    def _send(self, destination: Destination, commands: Sequence[_Command]) -> set[str]:
        from botocore.exceptions import BotoCoreError, ClientError

        about = {"queue": destination.queue, "commands": len(commands)}
        if self._queues is None:
            log().error("this publisher has no queues to send commands to", extra=about)
            return {command.item_id for command in commands}
        try:
            bodies = (command.body for command in commands)
            self._queues.send(destination.queue, bodies, delay_seconds=destination.delay_seconds)
        except (BotoCoreError, ClientError, QueueUnavailable):
            log().exception("commands were not sent", extra=about)
            return {command.item_id for command in commands}
        return set()

    def _mark(self, items: Sequence[OutboxItem]) -> set[str]:
        """The ids of those that couldn't be marked: they will be published again.

        Many are marked in one transaction, for the calls that it saves. Where that is refused each is marked alone.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        if len(items) > 1:
            try:
                self._dynamodb.transact_write_items(TransactItems=[{"Update": self._marking(item)} for item in items])
            except (BotoCoreError, ClientError):
                log().warning("published items are marked one by one", exc_info=True, extra={"items": len(items)})
            else:
                return set()
        unmarked: set[str] = set()
        for item in items:
            try:
                self._dynamodb.update_item(**self._marking(item))
            except (BotoCoreError, ClientError):
                log().exception("a published item was not marked", extra={"item_id": item.item_id})
                unmarked.add(item.item_id)
        return unmarked

    def _marking(self, item: OutboxItem) -> dict[str, Any]:
        now = self._clock.now()
        return {
            "TableName": self._settings.table("outbox"),
            "Key": key_of(item.partition, item.item_id),
            "UpdateExpression": "SET published_at = :now, expires_at = :expiry REMOVE #shard",
            "ExpressionAttributeNames": {"#shard": "shard"},
            "ExpressionAttributeValues": {
                ":now": {"S": rfc3339(now)},
                ":expiry": {"N": str(int(now.timestamp()) + PUBLISHED_KEPT_SECONDS)},
            },
        }


def _body(command: Envelope) -> Mapping[str, Any]:
    """A command as its handler's queue holds it: like an event that EventBridge has put there."""
    return {"source": command.source, "detail-type": command.detail_type, "detail": command.detail()}


def _groups(entries: Iterable[_Entry]) -> Iterator[list[_Entry]]:
    group: list[_Entry] = []
    size = 0
    for entry in entries:
        if group and (len(group) == MAX_ENTRIES or size + entry.size > MAX_BYTES):
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size
    if group:
        yield group
