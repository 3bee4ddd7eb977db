import json
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from shared.aws.settings import Settings
from shared.messaging.envelope import Destination, Envelope, Metadata
from shared.messaging.outbox import OutboxItem
from shared.messaging.publisher import Publisher
from shared.messaging.queues import Queues
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


class FakeQueues:
    """Every queue by its URL; refuses so many entries, one a call."""

    def __init__(self, refusals: int = 0) -> None:
        self.sent: list[tuple[str, str, int]] = []
        self.calls = 0
        self._refusals = refusals

    def get_queue_url(self, *, QueueName: str) -> dict[str, str]:  # noqa: N803 - botocore's name
        return {"QueueUrl": f"https://sqs/{QueueName}"}

    def send_message_batch(self, *, QueueUrl: str, Entries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:  # noqa: N803
        self.calls += 1
        refused = 1 if self._refusals else 0
        self._refusals -= refused
        for entry in Entries[refused:]:
            message_id = json.loads(entry["MessageBody"])["detail"]["metadata"]["message_id"]
            self.sent.append((QueueUrl, message_id, entry["DelaySeconds"]))
        return {"Failed": [{"Id": entry["Id"]} for entry in Entries[:refused]]}


def sending(number: int, destination: Destination) -> OutboxItem:
    """An item of an event and a command."""
    told = item(number, events=2)
    return OutboxItem(
        told.partition,
        told.item_id,
        (told.events[0], told.events[1].model_copy(update={"destination": destination})),
        told.recorded_at,
    )


def send(items: Sequence[OutboxItem], queues: FakeQueues) -> tuple[FakeBus, FakeTable, frozenset[str]]:
    bus, table = FakeBus({}), FakeTable()
    settings = Settings({"BUS_NAME": "bus", "OUTBOX_TABLE": "outbox", "STAGE": "test"})
    queued = Queues(lambda: queues, settings, sleep=lambda _: None)
    publisher = Publisher(bus, table, settings, FakeClock(), sleep=lambda _: None, queues=queued)
    return bus, table, publisher.publish(items)


def test_commands_go_to_their_handlers_queue_and_not_over_the_bus() -> None:
    paint, dry = Destination(queue="default-paint"), Destination(queue="default-dry", delay_seconds=60)
    queues = FakeQueues()
    bus, table, refused = send([sending(0, paint), sending(1, dry), sending(2, paint)], queues)
    assert bus.accepted == ["0-0", "1-0", "2-0"]
    assert queues.sent == [
        ("https://sqs/visionscope-test-default-paint", "0-1", 0),
        ("https://sqs/visionscope-test-default-paint", "2-1", 0),
        ("https://sqs/visionscope-test-default-dry", "1-1", 60),
    ]
    assert (table.published, refused) == (["0", "1", "2"], frozenset())


def test_only_refused_commands_are_sent_again() -> None:
    queues = FakeQueues(refusals=2)
    _, _, refused = send([sending(number, Destination(queue="default-paint")) for number in range(10)], queues)
    assert sorted(message_id for _, message_id, _ in queues.sent) == sorted(f"{number}-1" for number in range(10))
    assert (queues.calls, refused) == (3, frozenset())


def test_an_item_whose_command_stays_refused_is_not_marked_and_holds_up_no_other() -> None:
    _, table, refused = send([sending(0, Destination(queue="default-paint")), item(1)], FakeQueues(refusals=1_000))
    assert (table.published, refused) == (["1"], frozenset({"0"}))


class TableWithoutTransactions(FakeTable):
    """Refuses to mark together, and one item altogether."""

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        raise _refused("TransactWriteItems")

    def update_item(self, **request: Any) -> None:
        if request["Key"]["sk"]["S"] == "1":
            raise _refused("UpdateItem")
        super().update_item(**request)


def _refused(operation: str) -> ClientError:
    return ClientError({"Error": {"Code": "TransactionCanceledException"}}, operation)


def test_items_that_cannot_be_marked_together_are_marked_one_by_one() -> None:
    bus, table = FakeBus({}), TableWithoutTransactions()
    settings = Settings({"BUS_NAME": "bus", "OUTBOX_TABLE": "outbox"})
    publisher = Publisher(bus, table, settings, FakeClock(), sleep=lambda _: None)
    assert publisher.publish([item(number) for number in range(3)]) == {"1"}
    assert table.published == ["0", "2"]
