"""Events a second through the publisher, from outbox rows to PutEvents and the rows marked, against bare PutEvents.

Outbox items hold one event each, which is the publisher's dearest case: it marks as many rows as it sends events.
"""

from collections.abc import Callable, Sequence
from typing import Any

import botocore.session

from infra.local.benches import workload
from infra.local.benches.bars import Bar, at_least
from infra.local.benches.command import recorded, surroundings, unseen_log
from infra.local.benches.endpoint import endpoint, environment
from infra.local.benches.turns import cpu_microseconds
from infra.local.layout import Layout
from infra.local.screen import Screen
from shared.aws.clients import client
from shared.aws.settings import Settings
from shared.kernel.clock import SystemClock
from shared.messaging.outbox import OutboxItem
from shared.messaging.publisher import MAX_ENTRIES, Publisher

MIN_OF_BARE = 0.75
EVENTS = 100
ROUNDS = 25

Row = dict[str, Any]


def bench_publishing(screen: Screen, _layout: Layout) -> list[Bar]:
    with (
        screen.step(f"publishing {EVENTS} events, {ROUNDS} times"),
        endpoint(workload.replies()) as url,
        surroundings({**environment(url), **workload.SETTINGS}),
        unseen_log(),
    ):
        rows = outbox_rows(EVENTS)
        ours, bare = cpu_microseconds([publishing(rows), putting(rows)], repeat=1, rounds=ROUNDS)
    screen.table(
        [
            ("events per second of CPU", "publisher", "bare put_events"),
            ("", f"{EVENTS / ours * 1e6:,.0f}", f"{EVENTS / bare * 1e6:,.0f}"),
        ],
        right=(1, 2),
        header=True,
    )
    return [at_least("publisher's rate, of bare put_events", bare / ours, MIN_OF_BARE)]


def outbox_rows(count: int) -> list[Row]:
    """Outbox rows as their stream gives them: what the measured command records, under ids of their own."""
    (transaction,) = [request for operation, request in recorded(workload.PLAIN) if operation == "TransactWriteItems"]
    (row,) = [action["Put"]["Item"] for action in transaction["TransactItems"] if "events" in action["Put"]["Item"]]
    return [{**row, "sk": {"S": f"{number:032x}"}} for number in range(count)]


def publishing(rows: Sequence[Row]) -> Callable[[], object]:
    publisher = Publisher(client("events"), client("dynamodb"), Settings(), SystemClock())
    return lambda: publisher.publish([OutboxItem.from_attributes(row) for row in rows])


def putting(rows: Sequence[Row]) -> Callable[[], object]:
    """The very entries that the publisher sends, by a botocore client without any settings."""
    sent = _Sent()
    Publisher(sent, sent, Settings(), SystemClock()).publish([OutboxItem.from_attributes(row) for row in rows])
    assert all(len(group) <= MAX_ENTRIES for group in sent.groups)
    events: Any = botocore.session.get_session().create_client("events")

    def put() -> None:
        for group in sent.groups:
            events.put_events(Entries=group)

    return put


class _Sent:
    """Takes a publisher's calls and keeps its entries."""

    def __init__(self) -> None:
        self.groups: list[list[Any]] = []

    def put_events(self, *, Entries: list[Any]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        self.groups.append(Entries)
        return {"Entries": [{} for _ in Entries]}

    def transact_write_items(self, **_: Any) -> None:
        """Marks are no entries."""
