"""The outbox table's stream feeds the publisher."""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from shared.aws.grants import BUS_PUBLISH, EVENTS_READ, OUTBOX_PUBLISH, QUEUES_SEND
from shared.messaging.outbox import OutboxItem
from shared.messaging.publisher import Publisher
from shared.messaging.queues import Queues
from shared.messaging.routing import BatchAnswer, FunctionNeeds, StreamConsumer
from shared.persistence.scope import Runtime

STREAM_CONSUMER = StreamConsumer(
    name="publish-outbox",
    table="outbox",
    needs=FunctionNeeds(grants=(OUTBOX_PUBLISH, BUS_PUBLISH, EVENTS_READ, QUEUES_SEND)),
)


class PublishOutbox:
    def __init__(self, runtime: Runtime | None = None) -> None:
        self._given_runtime = runtime

    @cached_property
    def _publisher(self) -> Publisher:
        return publisher(self._given_runtime or Runtime())

    def __call__(self, event: Mapping[str, Any], _lambda_context: Any = None) -> BatchAnswer:
        """Reports the first record that could not be published: a stream is resumed from there, in order."""
        records = event["Records"]
        items = [OutboxItem.from_attributes(record["dynamodb"]["NewImage"]) for record in records]
        unpublished = self._publisher.publish(items)
        for record, item in zip(records, items, strict=True):
            if item.item_id in unpublished:
                return {"batchItemFailures": [{"itemIdentifier": record["dynamodb"]["SequenceNumber"]}]}
        return {"batchItemFailures": []}


def publisher(runtime: Runtime) -> Publisher:
    return Publisher(
        runtime.client("events"),
        runtime.client("dynamodb"),
        runtime.settings,
        runtime.clock,
        payloads=runtime.payloads,
        queues=Queues(lambda: runtime.client("sqs"), runtime.settings),
    )


lambda_handler = PublishOutbox()
