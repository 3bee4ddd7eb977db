"""From the outbox to the bus: every event arrives, whatever part of a call fails and wherever the process ends."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from functions.operations.subscribers.publish_outbox import PublishOutbox
from functions.operations.subscribers.sweep_outbox import SweepOutbox
from infra.local.emulator import StreamPolicy, deliver
from shared.aws.settings import Settings
from shared.kernel.clock import SystemClock
from shared.messaging.envelope import Aggregate, Destination, Envelope, Metadata
from shared.messaging.outbox import OutboxItem
from shared.messaging.publisher import Publisher
from shared.messaging.queues import Queues
from shared.persistence.scope import Runtime
from tests.faults.stage import Item, Stage
from tests.support.clock import FakeClock
from tests.support.faults import Crash, Fault, Network, Plan, at, at_random, body_of, no_faults, over_http, reply

pytestmark = pytest.mark.xdist_group("faults")

SETTINGS = Settings({"BUS_NAME": "bus", "OUTBOX_TABLE": "outbox"})


class Bus:
    """EventBridge at the other end of the wire: keeps what it accepts."""

    service = "events"

    def __init__(self) -> None:
        self.accepted: Counter[str] = Counter()

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        entries = body_of(request)["Entries"]
        assert len(entries) <= 10
        self.accepted.update(json.loads(entry["Detail"])["metadata"]["message_id"] for entry in entries)
        return reply(request, 200, {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in entries]})

    def client(self, network: Network, *, attempts: int = 3) -> Any:
        session: Any = botocore.session.Session({"config_file": (None, None, None, None)})
        client = session.create_client(
            self.service,
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
        )
        return network.attach(client)


class Marks:
    """The outbox table as far as a publisher marks in it."""

    def __init__(self) -> None:
        self.published: list[str] = []

    def update_item(self, **request: Any) -> None:
        self.published.append(request["Key"]["sk"]["S"])

    def transact_write_items(self, *, TransactItems: Sequence[Mapping[str, Any]]) -> None:  # noqa: N803
        for action in TransactItems:
            self.update_item(**action["Update"])


def outbox_item(number: int, events: int = 1) -> OutboxItem:
    envelopes = [
        Envelope(
            source="visionscope.test",
            detail_type="Happened",
            metadata=Metadata(
                message_id=f"{number}-{at}",
                occurred_at="2026-03-01T12:00:00.000Z",
                correlation_id="c",
                service_name="test",
                aggregate=Aggregate(type="test", id=str(number), version=1),
            ),
            data={},
        )
        for at in range(events)
    ]
    return OutboxItem.holding(envelopes, item_id=f"{number:032x}", now=SystemClock().now())


def ids(items: Sequence[OutboxItem]) -> list[str]:
    return sorted(event.metadata.message_id for item in items for event in item.events)


def test_partial_failures_lose_none_of_10_000_events_and_only_the_failed_are_sent_again(seed: int) -> None:
    bus, marks = Bus(), Marks()
    network = Network(at_random({Fault.PARTLY_REFUSED: 0.5}), seed, bus)
    publisher = Publisher(bus.client(network), marks, SETTINGS, SystemClock(), sleep=lambda _: None)
    items = [outbox_item(number) for number in range(10_000)]
    waiting = items
    while waiting:
        refused = publisher.publish(waiting)
        waiting = [item for item in waiting if item.item_id in refused]
    assert sorted(bus.accepted) == ids(items)
    assert set(bus.accepted.values()) == {1}, "what was accepted isn't sent again"
    assert sorted(marks.published) == sorted(item.item_id for item in items)
    assert network.faults(Fault.PARTLY_REFUSED) > 500


def test_calls_that_fail_as_a_whole_hold_up_no_other(seed: int) -> None:
    """The bus refuses whole calls for longer than botocore repeats them; what got through is marked at once."""
    bus, marks = Bus(), Marks()
    faults = at_random(
        {Fault.REQUEST_LOST: 0.2, Fault.REPLY_LOST: 0.2, Fault.THROTTLED: 0.3, Fault.PARTLY_REFUSED: 0.2}
    )
    network = Network(faults, seed, bus)
    publisher = Publisher(bus.client(network, attempts=1), marks, SETTINGS, SystemClock(), sleep=lambda _: None)
    waiting = items = [outbox_item(number, events=1 + number % 3) for number in range(300)]
    while waiting:
        refused = publisher.publish(waiting)
        done = {item.item_id for item in waiting} - refused
        assert done <= set(marks.published)
        assert all(bus.accepted[one] for item in items if item.item_id in marks.published for one in ids([item]))
        waiting = [item for item in waiting if item.item_id in refused]
    assert sorted(bus.accepted) == ids(items)


class QueueOfCommands(Bus):
    """SQS at the other end of the wire: keeps what it accepts."""

    service = "sqs"

    def __call__(self, request: AWSPreparedRequest) -> AWSResponse:
        asked = body_of(request)
        if "QueueName" in asked:
            return reply(request, 200, {"QueueUrl": f"https://queue/{asked['QueueName']}"})
        assert len(asked["Entries"]) <= 10
        for entry in asked["Entries"]:
            self.accepted[json.loads(entry["MessageBody"])["detail"]["metadata"]["message_id"]] += 1
        successful = [{"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""} for entry in asked["Entries"]]
        return reply(request, 200, {"Successful": successful})


def test_partial_failures_and_lost_calls_lose_no_command(seed: int) -> None:
    queue, marks = QueueOfCommands(), Marks()
    network = Network(
        at_random({Fault.PARTLY_REFUSED: 0.4, Fault.REQUEST_LOST: 0.1, Fault.REPLY_LOST: 0.1}), seed, queue
    )
    client = queue.client(network, attempts=1)
    settings = Settings({"BUS_NAME": "bus", "OUTBOX_TABLE": "outbox", "STAGE": "test"})
    queues = Queues(lambda: client, settings, sleep=lambda _: None)
    publisher = Publisher(None, marks, settings, SystemClock(), sleep=lambda _: None, queues=queues)
    destinations = [Destination(queue="default-paint"), Destination(queue="default-dry", delay_seconds=60)]
    items = [
        replace(item, events=(item.events[0].model_copy(update={"destination": destinations[number % 2]}),))
        for number, item in enumerate(map(outbox_item, range(200)))
    ]
    waiting = items
    while waiting:
        refused = publisher.publish(waiting)
        assert all(queue.accepted[one] for item in waiting if item.item_id not in refused for one in ids([item]))
        waiting = [item for item in waiting if item.item_id in refused]
    assert sorted(queue.accepted) == ids(items)
    assert network.faults(Fault.PARTLY_REFUSED) > 0


def write(stage: Stage, items: Sequence[OutboxItem]) -> None:
    for item in items:
        stage.emulator.dynamodb.put_item(TableName=stage.settings.table("outbox"), Item=dict(item.to_row().serialize()))


def stream(rows: Sequence[Item]) -> list[dict[str, Any]]:
    return [
        {"dynamodb": {"NewImage": row, "SequenceNumber": str(number), "ApproximateCreationDateTime": 0}}
        for number, row in enumerate(rows, start=1)
    ]


def poison(number: int) -> Item:
    """A row that no version of this code has written."""
    return {
        "pk": {"S": "test#poison"},
        "sk": {"S": f"{number:032x}"},
        "events": {"S": "[{}]"},
        "recorded_at": {"S": "2026-01-01T00:00:00.000Z"},
        "shard": {"S": "0"},
    }


def unpublished(stage: Stage) -> list[str]:
    return [row["pk"]["S"] for row in stage.items("outbox") if "shard" in row]


def publish_stream(runtime: Runtime, rows: Sequence[Item]) -> list[dict[str, Any]]:
    """Deliver a stream's records as its event source mapping does; what was given up."""
    consume, given_up = PublishOutbox(runtime), list[dict[str, Any]]()

    def invoke(records: Sequence[Any]) -> dict[str, Any]:
        try:
            return {"body": consume({"Records": records})}
        except ValueError as error:
            return {"error": True, "body": str(error)}

    deliver(
        stream(rows),
        StreamPolicy(maximum_retries=2, bisect=True, report_item_failures=True),
        invoke=invoke,
        checkpoint=lambda _: None,
        give_up=lambda records, _result, _condition: given_up.extend(dict(record) for record in records),
        pause=lambda _: True,
        now=lambda: 0.0,
    )
    return given_up


def test_a_crash_at_any_call_of_the_publisher_loses_nothing(stage: Stage) -> None:
    items, to_aws = [outbox_item(number, events=2) for number in range(3)], over_http()
    for number in (1, 2):  # PutEvents, and the transaction that marks all items
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            write(stage, items)
            rows, bus = stage.items("outbox"), Bus()

            def process(plan: Plan, bus: Bus = bus) -> Runtime:
                def send(request: AWSPreparedRequest) -> AWSResponse:
                    return bus(request) if "events" in request.url else to_aws(request)

                network = Network(plan, "none", send)
                return stage.runtime(network, clients={"events": bus.client(network)})

            with pytest.raises(Crash):
                PublishOutbox(process(at(number, fault)))({"Records": stream(rows)})
            marked = [item for item in items if item.partition not in unpublished(stage)]
            assert all(bus.accepted[one] for one in ids(marked))
            assert publish_stream(process(no_faults), rows) == []
            assert sorted(bus.accepted) == ids(items)
            assert unpublished(stage) == []


def test_a_poison_record_anywhere_in_a_stream_stops_no_other(stage: Stage) -> None:
    for position in range(6):
        bus = Bus()
        items = [outbox_item(100 * position + number) for number in range(1, 6)]
        rows = [dict(item.to_row().serialize()) for item in items]
        rows.insert(position, poison(position))
        runtime = stage.runtime(clients={"events": bus.client(Network(no_faults, "none", bus))})
        (given_up,) = publish_stream(runtime, rows)
        assert given_up["dynamodb"]["NewImage"]["pk"]["S"] == "test#poison"
        assert sorted(bus.accepted) == ids(items)


def test_a_poison_record_in_the_outbox_stops_the_sweeper_at_no_other(stage: Stage) -> None:
    bus = Bus()
    items = [outbox_item(number) for number in range(40)]
    write(stage, items)
    for number in range(3):
        stage.emulator.dynamodb.put_item(TableName=stage.settings.table("outbox"), Item=poison(number))
    clock = FakeClock(SystemClock().now() + timedelta(hours=1))
    runtime = stage.runtime(clock=clock, clients={"events": bus.client(Network(no_faults, "none", bus))})
    swept = SweepOutbox(runtime)({})
    assert swept == {"swept": 40, "failed": 0}
    assert sorted(bus.accepted) == ids(items)
    assert unpublished(stage) == ["test#poison"] * 3, "they stay where the count of unpublished items shows them"
