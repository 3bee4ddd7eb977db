"""The transactional outbox: one item holds all events of one transaction, in order.

The stream hands new items to the publisher. An item that stays unpublished keeps its `shard`, the key of a sparse index
with 16 partitions, so the sweeper finds it even when the stream lost it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.kernel.clock import rfc3339
from shared.messaging.envelope import Envelope
from shared.persistence.rows import OutboxRow

SHARDS = 16
MAX_ITEM_BYTES = 300_000
PUBLISHED_KEPT_SECONDS = 7 * 24 * 3600

_envelopes = TypeAdapter(tuple[Envelope, ...])


class EventsTooLarge(Exception):
    """The events of one transaction don't fit into one outbox item: carry ids and let the reader fetch the rest."""


class StoredOutboxItem(OutboxRow):
    events = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
    shard = UnicodeAttribute(null=True)
    published_at = UnicodeAttribute(null=True)
    expires_at = NumberAttribute(null=True)


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """The events of one transaction. `partition` begins with the aggregate, so the stream keeps its order."""

    partition: str
    item_id: str
    events: tuple[Envelope, ...]
    recorded_at: str

    @classmethod
    def holding(cls, events: Sequence[Envelope], *, item_id: str, now: datetime) -> "OutboxItem":
        aggregate = events[0].metadata.aggregate
        partition = f"{aggregate.type}#{aggregate.id}" if aggregate else events[0].source
        return cls(partition, item_id, tuple(events), rfc3339(now))

    def to_row(self) -> StoredOutboxItem:
        events = _envelopes.dump_json(self.events).decode()
        if len(events.encode()) > MAX_ITEM_BYTES:
            raise EventsTooLarge(f"{len(self.events)} events are over {MAX_ITEM_BYTES} bytes")
        return StoredOutboxItem(
            pk=self.partition,
            sk=self.item_id,
            events=events,
            recorded_at=self.recorded_at,
            shard=str(int(self.item_id.replace("-", ""), 16) % SHARDS),
        )

    @classmethod
    def from_attributes(cls, attributes: dict[str, Any]) -> "OutboxItem":
        """From a row as DynamoDB or its stream gives it."""
        row = StoredOutboxItem.from_raw_data(attributes)
        return cls(row.pk, row.sk, _envelopes.validate_json(row.events), row.recorded_at)
