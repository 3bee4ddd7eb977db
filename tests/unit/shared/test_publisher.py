import json
from collections.abc import Mapping, Sequence
from typing import Any

from shared.aws.settings import Settings
from shared.messaging.envelope import Envelope, Metadata
from shared.messaging.outbox import OutboxItem
from shared.messaging.publisher import Publisher
from tests.support.clock import FakeClock


class FakeBus:
    """Accepts entries, except those whose turn it is to be refused."""

    def __init__(self, refuse: Mapping[str, int]) -> None:
        self._refusals = dict(refuse)
        self.accepted: list[str] = []
        self.calls: list[Sequence[Mapping[str, Any]]] = []

    def put_events(self, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        self.calls.append(Entries)
        outcomes: list[dict[str, str]] = []
        for entry in Entries:
            message_id = json.loads(entry["Detail"])["metadata"]["message_id"]
            if self._refusals.get(message_id, 0):
                self._refusals[message_id] -= 1
                outcomes.append({"ErrorCode": "ThrottlingException"})
            else:
                self.accepted.append(message_id)
                outcomes.append({"EventId": message_id})
        return {"Entries": outcomes}


class FakeTable:
    def __init__(self) -> None:
        self.published: list[str] = []

    def update_item(self, **request: Any) -> None:
        self.published.append(request["Key"]["sk"]["S"])

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        for action in TransactItems:
            self.update_item(**action["Update"])


def item(number: int, events: int = 1, padding: int = 0) -> OutboxItem:
    envelopes = tuple(
        Envelope(
            source="visionscope.test",
            detail_type="Happened",
            metadata=Metadata(
                message_id=f"{number}-{at}",
                occurred_at="2026-03-01T12:00:00.000Z",
                correlation_id="c",
                service_name="t",
            ),
            data={"padding": "ü" * padding},
        )
        for at in range(events)
    )
    return OutboxItem(f"test#{number}", str(number), envelopes, "2026-03-01T12:00:00.000Z")


def publish(items: Sequence[OutboxItem], refuse: Mapping[str, int] = {}) -> tuple[FakeBus, FakeTable, frozenset[str]]:
    bus, table = FakeBus(refuse), FakeTable()
    settings = Settings({"BUS_NAME": "bus", "OUTBOX_TABLE": "outbox"})
    return bus, table, Publisher(bus, table, settings, FakeClock(), sleep=lambda _: None).publish(items)


def test_events_go_out_in_order_in_groups_of_ten() -> None:
    bus, table, refused = publish([item(number, events=3) for number in range(7)])
    assert [len(call) for call in bus.calls] == [10, 10, 1]
    assert bus.accepted == [f"{number}-{at}" for number in range(7) for at in range(3)]
    assert (len(table.published), refused) == (7, frozenset())


def test_a_group_stays_below_the_size_that_eventbridge_takes() -> None:
    bus, _, _ = publish([item(number, padding=60_000) for number in range(4)])
    assert [len(call) for call in bus.calls] == [2, 2]


def test_only_refused_entries_are_sent_again() -> None:
    bus, table, refused = publish([item(number) for number in range(10)], refuse={"3-0": 2, "7-0": 1})
    assert [len(call) for call in bus.calls] == [10, 2, 1]
    assert sorted(bus.accepted) == sorted(f"{number}-0" for number in range(10))
    assert (len(table.published), refused) == (10, frozenset())


def test_an_item_with_an_event_that_stays_refused_is_not_marked() -> None:
    _, table, refused = publish([item(0, events=2), item(1)], refuse={"0-1": 1_000})
    assert refused == {"0"}
    assert table.published == ["1"]
