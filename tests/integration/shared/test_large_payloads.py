"""Events that don't fit: by reference in the outbox, on the bus, or both."""

import json
from collections.abc import Sequence
from typing import Any, ClassVar

from shared.cqrs.messages import IntegrationEvent
from shared.cqrs.pipeline import Context
from shared.messaging.outbox import OutboxItem
from shared.messaging.payloads import PayloadReference
from shared.messaging.publisher import Publisher
from tests.support.aws import Aws


class Told(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "story"

    workspace_id: str = "w-1"
    text: str


class Bus:
    def __init__(self) -> None:
        self.details: list[dict[str, Any]] = []

    def put_events(self, Entries: Sequence[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        assert sum(len(entry["Detail"].encode()) for entry in Entries) < 256 * 1024
        self.details += [json.loads(entry["Detail"]) for entry in Entries]
        return {"Entries": [{"EventId": "e"} for _ in Entries]}


def commit(aws: Aws, *texts: str) -> None:
    now = aws.clock.now()
    uow = aws.runtime.begin(Context(message_id=aws.ids.new(), correlation_id="c", received_at=now, deadline=now))
    for text in texts:
        uow.record(Told(text=text), "s", version=1)
    uow.commit()


def publish(aws: Aws) -> tuple[list[dict[str, Any]], frozenset[str]]:
    bus = Bus()
    publisher = Publisher(bus, aws.client("dynamodb"), aws.settings, aws.clock, payloads=aws.runtime.payloads)
    refused = publisher.publish([OutboxItem.from_attributes(item) for item in aws.items("outbox")])
    return bus.details, refused


def objects(aws: Aws) -> list[str]:
    listed = aws.client("s3").list_objects_v2(Bucket=aws.settings["EVENTS_BUCKET"])
    return [one["Key"] for one in listed.get("Contents", [])]


def test_events_that_fit_stay_in_the_item(aws: Aws) -> None:
    commit(aws, "a" * 100_000, "b" * 100_000)
    assert objects(aws) == []
    details, _ = publish(aws)
    assert [detail["data"]["text"][0] for detail in details] == ["a", "b"]
    assert "payload" not in details[0]["metadata"]


def test_many_events_go_by_reference_and_arrive_whole_and_in_order(aws: Aws) -> None:
    texts = [letter * 100_000 for letter in "abcde"]
    commit(aws, *texts)
    (item,) = aws.items("outbox")
    assert len(str(item)) < 10_000
    assert len(objects(aws)) == 1
    details, refused = publish(aws)
    assert [detail["data"]["text"] for detail in details] == texts
    assert refused == frozenset()
    assert "shard" not in aws.items("outbox")[0]


def test_an_event_that_no_queue_would_take_carries_the_reference_itself(aws: Aws) -> None:
    commit(aws, "small", "ü" * 300_000)
    details, _ = publish(aws)
    assert details[0]["data"]["text"] == "small"
    assert details[1]["data"] == {}
    payload = PayloadReference.model_validate(details[1]["metadata"]["payload"])
    assert json.loads(aws.runtime.payloads.get(payload)) == {"workspace_id": "w-1", "text": "ü" * 300_000}


def test_an_item_whose_events_cannot_be_read_stays_unpublished_and_holds_up_no_other(aws: Aws) -> None:
    commit(aws, *["a" * 100_000] * 5)
    (key,) = objects(aws)
    commit(aws, "small")
    aws.client("s3").delete_object(Bucket=aws.settings["EVENTS_BUCKET"], Key=key)
    details, refused = publish(aws)
    assert [detail["data"]["text"] for detail in details] == ["small"]
    assert len(refused) == 1
    assert sum("shard" in item for item in aws.items("outbox")) == 1
