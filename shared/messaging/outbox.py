"""The transactional outbox: one item holds all events of one transaction, in order.

The stream hands new items to the publisher. An item that stays unpublished keeps its `shard`, the key of a sparse index
with 16 partitions, so the sweeper finds it even when the stream lost it.

What doesn't fit goes by reference: the data of an event that EventBridge or SQS wouldn't take, for which the event then
carries the reference itself; and the events of an item that DynamoDB wouldn't take, which the publisher resolves.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ConfigDict, TypeAdapter
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.kernel.clock import rfc3339
from shared.messaging.envelope import Envelope
from shared.messaging.payloads import PayloadReference, Payloads
from shared.persistence.rows import OutboxRow

SHARDS = 16
MAX_ITEM_BYTES = 300_000
MAX_EVENT_BYTES = 240_000
"""Of one event's data: 256 KB is what EventBridge and SQS take, of which the envelope needs some."""
PUBLISHED_KEPT_SECONDS = 7 * 24 * 3600


class EventsTooLarge(Exception):
    """The events of one transaction don't fit into one outbox item, and there is nowhere else to put them."""


_envelopes = TypeAdapter(tuple[Envelope, ...], config=ConfigDict(defer_build=True))


class StoredOutboxItem(OutboxRow):
    events = UnicodeAttribute(null=True)
    payload = UnicodeAttribute(null=True)
    recorded_at = UnicodeAttribute()
    shard = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """The events of one transaction. `partition` begins with the aggregate, so the stream keeps its order.

    With a `payload`, the events are there.
    """

    partition: str
    item_id: str
    events: tuple[Envelope, ...]
    recorded_at: str
    payload: PayloadReference | None = None

    @classmethod
    def holding(cls, events: Sequence[Envelope], *, item_id: str, now: datetime) -> "OutboxItem":
        aggregate = events[0].metadata.aggregate
        # Commands are about no aggregate, and in no order that mattered.
        partition = f"{aggregate.type}#{aggregate.id}" if aggregate else f"{events[0].source}#{item_id}"
        return cls(partition, item_id, tuple(events), rfc3339(now))

    def to_row(self, payloads: Payloads | None = None) -> StoredOutboxItem:
        """The row of an item; what is too large is written to `payloads` first. Raises `EventsTooLarge` without any."""
        events = _envelopes.dump_json(self.events)
        payload: PayloadReference | None = None
        if len(events) > MAX_EVENT_BYTES and payloads is not None:
            events = _envelopes.dump_json(tuple(_fitting(event, payloads) for event in self.events))
        if len(events) > MAX_ITEM_BYTES:
            if payloads is None:
                raise EventsTooLarge(f"{len(self.events)} events have {len(events)} bytes")
            payload = payloads.put(events, self.events[0].metadata.workspace_id)
        return StoredOutboxItem(
            pk=self.partition,
            sk=self.item_id,
            events=None if payload else events.decode(),
            payload=payload.model_dump_json() if payload else None,
            recorded_at=self.recorded_at,
            shard=str(int(self.item_id.replace("-", ""), 16) % SHARDS),
        )

    @classmethod
    def from_attributes(cls, attributes: dict[str, Any]) -> "OutboxItem":
        """From a row as DynamoDB or its stream gives it."""
        row = StoredOutboxItem.from_raw_data(attributes)
        if row.payload is not None:
            payload = PayloadReference.model_validate_json(row.payload)
            return cls(row.pk, row.sk, (), row.recorded_at, payload)
        return cls(row.pk, row.sk, _envelopes.validate_json(row.events), row.recorded_at)

    def resolve(self, payloads: Payloads) -> tuple[Envelope, ...]:
        """The events, wherever they are. Raises `DamagedPayload`."""
        if self.payload is None:
            return self.events
        return _envelopes.validate_json(payloads.get(self.payload))


def _fitting(event: Envelope, payloads: Payloads) -> Envelope:
    data = json.dumps(event.data, separators=(",", ":"), ensure_ascii=False).encode()
    if len(data) <= MAX_EVENT_BYTES:
        return event
    return event.by_reference(payloads.put(data, event.metadata.workspace_id))
