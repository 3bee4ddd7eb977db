"""The event log: every event of the bus becomes an object in S3, so one that nobody listens to isn't lost either."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from shared.aws.grants import EVENTS_WRITE
from shared.messaging.event_log import object_key
from shared.messaging.routing import BatchAnswer, EventTap, FunctionNeeds, QueueClass
from shared.observability.logger import log
from shared.persistence.scope import Runtime

EVENT_TAP = EventTap(name="log-events", queue=QueueClass.ANALYTICS, needs=FunctionNeeds(grants=(EVENTS_WRITE,)))


class LogEvents:
    """Writing an object under the event's own id is idempotent, so a repeated delivery needs no inbox."""

    def __init__(self, runtime: Runtime | None = None) -> None:
        self._given_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._given_runtime or Runtime()

    def __call__(self, event: Mapping[str, Any], _lambda_context: Any = None) -> BatchAnswer:
        failed: list[dict[str, str]] = []
        for record in event["Records"]:
            try:
                key = object_key(json.loads(record["body"]))
            except (ValueError, KeyError, TypeError):
                log().exception("an event without our envelope", extra={"sqs_message_id": record["messageId"]})
                failed.append({"itemIdentifier": record["messageId"]})
                continue
            self._runtime.client("s3").put_object(
                Bucket=self._runtime.settings["EVENTS_BUCKET"],
                Key=key,
                Body=record["body"].encode(),
                ContentType="application/json",
            )
        return {"batchItemFailures": failed}


lambda_handler = LogEvents()
