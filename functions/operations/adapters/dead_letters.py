"""Dead letters as they are in their queues. SQS has no list: who reads a message hides it from others for a while."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from functions.operations.domain.dead_letters import (
    DEAD,
    DeadLetterQueue,
    DeadLetterQueues,
    stream_error,
    undelivered_error,
)
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict
from shared.messaging.consumer import message_id_of
from shared.messaging.dead_letters import LastErrors
from shared.messaging.queues import MAX_ENTRIES, Queues, QueueUnavailable
from shared.persistence.scope import Runtime

HIDDEN_SECONDS = 30
"""How long a letter that is being read is hidden, should its reader die; it is shown again at once otherwise."""
LOOKED_THROUGH = 2_000
"""So many letters one request looks through: what is read meanwhile has to stay hidden, or it would be read twice."""
_POLL_SECONDS = 1
_READERS = 8


class BeingRead(Conflict):
    def __init__(self) -> None:
        super().__init__("Others are reading this queue at the moment. Try again.")


class TooManyToLookThrough(Conflict):
    def __init__(self) -> None:
        super().__init__("The queue holds more than can be looked through for one. Redrive the queue.")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message as its dead-letter queue has it; `receipt` is good while this reader hides it."""

    queue: DeadLetterQueue
    sqs_id: str
    receipt: str
    body: str
    sent_at: datetime
    attributes: Mapping[str, str]

    @property
    def dead_letter_id(self) -> str:
        return f"{self.queue.name}.{self.sqs_id}"

    @property
    def message_id(self) -> str:
        return message_id_of({"body": self.body, "messageId": self.sqs_id})

    @property
    def message(self) -> Any:
        """What the body holds; as it is where that is no JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return self.body


class DeadLetters:
    def __init__(self, runtime: Runtime, queues: Queues | None = None) -> None:
        self._runtime = runtime
        self._queues = queues or Queues(lambda: runtime.client("sqs"), runtime.settings)

    @property
    def all_queues(self) -> DeadLetterQueues:
        return DeadLetterQueues.from_json(self._runtime.settings["DEAD_LETTER_SOURCES"])

    def read(self, queues: Sequence[DeadLetterQueue], limit: int) -> list[DeadLetter]:
        """At most `limit` letters of each queue, which stay where they are, oldest first."""

        def read_one(queue: DeadLetterQueue) -> list[DeadLetter]:
            with self.reading(queue) as letters:
                return list(islice(letters, limit))

        with ThreadPoolExecutor(_READERS) as readers:
            found = [letter for letters in readers.map(read_one, queues) for letter in letters]
        return sorted(found, key=lambda letter: (letter.sent_at, letter.dead_letter_id))

    @contextmanager
    def reading(self, queue: DeadLetterQueue) -> Iterator[Iterator[DeadLetter]]:
        """The letters of a queue, each once; those that weren't removed are shown to others again in the end."""
        hidden: list[DeadLetter] = []

        def receive() -> Iterator[DeadLetter]:
            while batch := self._receive(queue):
                hidden.extend(batch)
                yield from batch

        try:
            yield receive()
        finally:
            self._show(queue, hidden)

    @contextmanager
    def one(self, dead_letter_id: str) -> Iterator[DeadLetter | None]:
        """One letter, hidden from others meanwhile; `None` when its queue hasn't got it.

        Raises `BeingRead` when it may be just hidden, and `TooManyToLookThrough`.
        """
        queue = self.all_queues.of(dead_letter_id)
        if queue is None:
            yield None
            return
        with self.reading(queue) as letters:
            looked_through = 0
            found: DeadLetter | None = None
            for letter in islice(letters, LOOKED_THROUGH):
                looked_through += 1
                if letter.dead_letter_id == dead_letter_id:
                    found = letter
                    break
            if found is None and looked_through >= LOOKED_THROUGH:
                raise TooManyToLookThrough
            if found is None and self._hidden_by_others(queue) > looked_through:
                raise BeingRead
            yield found

    def redrive(self, letters: Sequence[DeadLetter]) -> None:
        """Send letters of one queue to where they came from, then remove them.

        In this order a crash in between leaves a letter twice, of which its inbox handles one, and loses none. Only
        the body is sent: no subscriber reads anything else of a message.
        """
        if not letters:
            return
        origin = letters[0].queue.origin
        assert origin is not None, "whoever redrives has made sure that there is a queue to redrive to"
        self._queues.send(origin, (letter.body for letter in letters))
        self.remove(letters)

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        """Raises `QueueUnavailable` when some stay: to remove one again does no harm."""
        for batch in _tens(letters):
            entries = [{"Id": str(at), "ReceiptHandle": letter.receipt} for at, letter in enumerate(batch)]
            answer = self._queues.sqs.delete_message_batch(
                QueueUrl=self._queues.url(batch[0].queue.name), Entries=entries
            )
            if answer.get("Failed"):
                raise QueueUnavailable

    def describe(self, letter: DeadLetter) -> dict[str, Any]:
        """What there is to tell about a letter, its last error included."""
        message = letter.message
        envelope = message if isinstance(message, dict) else {}
        detail = envelope.get("detail")
        metadata = detail.get("metadata") if isinstance(detail, dict) else None
        known = metadata if isinstance(metadata, dict) else {}
        told: dict[str, Any] = {
            "dead_letter_id": letter.dead_letter_id,
            "queue": letter.queue.origin or letter.queue.name,
            "dead_letter_queue": letter.queue.name,
            "subscriber": letter.queue.subscriber,
            "message_id": letter.message_id,
            "source": _text(envelope.get("source")),
            "detail_type": _text(envelope.get("detail-type")),
            "correlation_id": _text(known.get("correlation_id")),
            "workspace_id": _text(known.get("workspace_id")),
            "sent_at": rfc3339(letter.sent_at),
            "is_redrivable": letter.queue.origin is not None,
        }
        last = LastErrors(letter.queue.origin, self._runtime).get(letter.message_id) if letter.queue.origin else None
        if last is not None and letter.queue.name.endswith(DEAD):
            return told | {
                "error": last.error,
                "reason": last.reason,
                "first_failed_at": last.first_failed_at,
                "last_failed_at": last.last_failed_at,
                "deliveries": last.deliveries,
            }
        error = undelivered_error(letter.attributes) or stream_error(message)
        return told | ({"error": error[0], "reason": error[1]} if error else {})

    def _receive(self, queue: DeadLetterQueue) -> list[DeadLetter]:
        answer = self._queues.sqs.receive_message(
            QueueUrl=self._queues.url(queue.name),
            MaxNumberOfMessages=MAX_ENTRIES,
            VisibilityTimeout=HIDDEN_SECONDS,
            # A receive that doesn't wait asks only some of the servers, and may find nothing where there is something.
            WaitTimeSeconds=_POLL_SECONDS,
            AttributeNames=["SentTimestamp"],
            MessageAttributeNames=["All"],
        )
        return [
            DeadLetter(
                queue=queue,
                sqs_id=one["MessageId"],
                receipt=one["ReceiptHandle"],
                body=one["Body"],
                sent_at=datetime.fromtimestamp(int(one["Attributes"]["SentTimestamp"]) / 1000, UTC),
                attributes={
                    name: value.get("StringValue", "") for name, value in (one.get("MessageAttributes") or {}).items()
                },
            )
            for one in answer.get("Messages", [])
        ]

    def _show(self, queue: DeadLetterQueue, letters: Iterable[DeadLetter]) -> None:
        for batch in _tens(letters):
            # One that was removed meanwhile is reported as failed, which is as well.
            self._queues.sqs.change_message_visibility_batch(
                QueueUrl=self._queues.url(queue.name),
                Entries=[
                    {"Id": str(at), "ReceiptHandle": letter.receipt, "VisibilityTimeout": 0}
                    for at, letter in enumerate(batch)
                ],
            )

    def _hidden_by_others(self, queue: DeadLetterQueue) -> int:
        name = "ApproximateNumberOfMessagesNotVisible"
        answer = self._queues.sqs.get_queue_attributes(QueueUrl=self._queues.url(queue.name), AttributeNames=[name])
        return int(answer["Attributes"][name])


def _tens(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    walk = iter(letters)
    while batch := list(islice(walk, MAX_ENTRIES)):
        yield batch


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
