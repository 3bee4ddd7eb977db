"""Delivers messages to a subscriber's function as its queue would."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from functions.entry import compose_message
from shared.kernel.clock import rfc3339
from shared.messaging.consumer import QueueFunction
from shared.messaging.envelope import Envelope
from shared.messaging.routing import ForeignEvent, Subscriber
from shared.persistence.scope import Runtime


def deliver(subscriber: Subscriber, body: Mapping[str, Any], runtime: Runtime, *, delivery: int = 1) -> bool:
    """Deliver one message body, for the `delivery`-th time; whether it was taken (one that wasn't goes back)."""
    function = QueueFunction(subscriber, compose_message, lambda: runtime)
    sqs, queue_url = runtime.client("sqs"), runtime.settings["QUEUE_URL"]
    sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(body))
    (message,) = sqs.receive_message(QueueUrl=queue_url)["Messages"]
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": str(delivery)},
    }
    failed = function({"Records": [record]}, _Invocation(subscriber.needs.timeout_seconds))["batchItemFailures"]
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return not failed


@dataclass(frozen=True, slots=True)
class _Invocation:
    """What Lambda tells a function at its beginning."""

    timeout_seconds: int

    def get_remaining_time_in_millis(self) -> int:
        return self.timeout_seconds * 1000


def from_bus(event: Envelope) -> dict[str, Any]:
    """An event as EventBridge puts it into a queue."""
    return {
        "version": "0",
        "id": event.metadata.message_id,
        "source": event.source,
        "detail-type": event.detail_type,
        "time": event.metadata.occurred_at,
        "detail": event.detail(),
    }


def from_default_bus(
    kind: type[ForeignEvent], detail: Mapping[str, Any], runtime: Runtime, *, event_id: str | None = None
) -> dict[str, Any]:
    """An event of an AWS service as EventBridge puts it into a queue."""
    return {
        "version": "0",
        "id": event_id or runtime.ids.new(),
        "source": kind.source,
        "detail-type": kind.detail_type,
        "time": rfc3339(runtime.clock.now()),
        "detail": dict(detail),
    }
