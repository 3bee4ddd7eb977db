"""SQS as far as a consumer of ours uses it: batches, receive counts, visibility and a dead-letter queue."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from botocore.exceptions import ClientError


@dataclass
class _Message:
    message_id: str
    body: str
    receives: int = 0


@dataclass
class Queue:
    """Time doesn't pass in here: a message that was put back is delivered again in the next batch."""

    max_receives: int = 3
    batch_size: int = 10
    messages: list[_Message] = field(default_factory=list[_Message])
    dead: list[_Message] = field(default_factory=list[_Message])
    visibility_fails: bool = False

    def send(self, *bodies: str) -> None:
        for body in bodies:
            self.messages.append(_Message(f"sqs-{len(self.messages)}-{len(self.dead)}", body))

    def change_message_visibility(self, **_: Any) -> None:
        if self.visibility_fails:
            raise ClientError({"Error": {"Code": "RequestThrottled", "Message": ""}}, "ChangeMessageVisibility")

    def drain(self, consume: Callable[[Mapping[str, Any]], Mapping[str, Any]], random: Random | None = None) -> None:
        """Deliver until every message is handled or dead. A batch whose consumer raises is put back as a whole."""
        while self.messages:
            if random is not None:
                random.shuffle(self.messages)
            batch = self.messages[: self.batch_size]
            for message in batch:
                message.receives += 1
            records = [
                {
                    "messageId": str(at),
                    "receiptHandle": str(at),
                    "body": message.body,
                    "attributes": {"ApproximateReceiveCount": str(message.receives)},
                }
                for at, message in enumerate(batch)
            ]
            try:
                failures = consume({"Records": records})["batchItemFailures"]
                failed = [batch[int(failure["itemIdentifier"])] for failure in failures]
            except Exception:  # noqa: BLE001 - what Lambda makes of a raising function
                failed = batch
            back = [message for message in failed if message.receives < self.max_receives]
            self.dead += [message for message in failed if message.receives >= self.max_receives]
            self.messages = back + self.messages[self.batch_size :]

    def redrive(self) -> None:
        """Send what is dead once more. It stays in the dead-letter queue: whoever redrives may do so twice."""
        self.send(*(message.body for message in self.dead))
