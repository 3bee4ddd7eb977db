"""Publishes what the stream lost: outbox items that are still unpublished after a minute."""

from collections.abc import Mapping
from datetime import timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from functions.operations.subscribers.publish_outbox import publisher
from shared.aws.grants import BUS_PUBLISH, EVENTS_READ, OUTBOX_PUBLISH, QUEUES_SEND
from shared.kernel.clock import rfc3339
from shared.messaging.routing import FunctionNeeds, Schedule
from shared.observability.logger import log
from shared.persistence.scope import Runtime

GRACE = timedelta(minutes=1)
_BATCH = 25

SCHEDULE = Schedule(
    name="sweep-outbox",
    every_minutes=1,
    needs=FunctionNeeds(grants=(OUTBOX_PUBLISH, BUS_PUBLISH, EVENTS_READ, QUEUES_SEND), timeout_seconds=55),
)


class SweepOutbox:
    def __init__(self, runtime: Runtime | None = None) -> None:
        self._given_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._given_runtime or Runtime()

    def __call__(self, _event: Mapping[str, Any], _lambda_context: Any = None) -> dict[str, int]:
        publishing = publisher(self._runtime)
        before = rfc3339(self._runtime.clock.now() - GRACE)
        swept = failed = 0
        unpublished = publishing.unpublished(before)
        while items := list(islice(unpublished, _BATCH)):
            swept += len(items)
            failed += len(publishing.publish(items))
        if swept:
            log().warning("outbox items were swept", extra={"swept": swept, "failed": failed})
        return {"swept": swept, "failed": failed}


lambda_handler = SweepOutbox()
