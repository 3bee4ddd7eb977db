"""The stage's queues by their logical names, and messages sent to them in batches."""

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from shared.aws.settings import Settings
from shared.kernel.errors import DependencyUnavailable

LONGEST_DELAY_SECONDS = 900
"""The longest time for which SQS holds a message back."""

MAX_ENTRIES = 10
_MAX_BATCH_BYTES = 256_000
_ATTEMPTS = 4


class QueueUnavailable(DependencyUnavailable):
    def __init__(self) -> None:
        super().__init__("A queue refuses messages at the moment.", retry_after_seconds=10)


class Queues:
    """Needs a grant to send to the queues it is asked for."""

    def __init__(self, sqs: Callable[[], Any], settings: Settings, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = sqs
        self._settings = settings
        self._sleep = sleep
        self._urls: dict[str, str] = {}

    @property
    def sqs(self) -> Any:
        return self._client()

    def url(self, name: str) -> str:
        if name not in self._urls:
            self._urls[name] = self.sqs.get_queue_url(QueueName=f"visionscope-{self._settings.stage}-{name}")[
                "QueueUrl"
            ]
        return self._urls[name]

    def send(self, name: str, bodies: Iterable[str], *, delay_seconds: int = 0) -> None:
        """Send messages, which are delivered after `delay_seconds` at the earliest.

        Raises `QueueUnavailable` when the queue goes on refusing some; the others are sent.
        """
        for batch in _batches(bodies):
            entries = [
                {"Id": str(at), "MessageBody": body, "DelaySeconds": delay_seconds} for at, body in enumerate(batch)
            ]
            self._send(self.url(name), entries)

    def _send(self, url: str, entries: list[dict[str, Any]]) -> None:
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.1 * 2**attempt))
            answer = self.sqs.send_message_batch(QueueUrl=url, Entries=entries)
            failed = {one["Id"] for one in answer.get("Failed", [])}
            entries = [entry for entry in entries if entry["Id"] in failed]
            if not entries:
                return
        raise QueueUnavailable


def _batches(bodies: Iterable[str]) -> Iterator[Sequence[str]]:
    batch: list[str] = []
    size = 0
    for body in bodies:
        length = len(body.encode())
        if batch and (len(batch) == MAX_ENTRIES or size + length > _MAX_BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(body)
        size += length
    if batch:
        yield batch
