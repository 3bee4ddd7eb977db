"""A stage with a subscriber whose messages fail while the paint is wet, and an administrator who looks after it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest

from functions.entry import compose_message
from functions.identity.public import Administrators
from functions.operations.subscribers import rebuild, redrive, replay
from shared.aws.settings import Settings
from shared.cqrs.messages import IntegrationEvent
from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.envelope import Aggregate, Envelope, enclose
from shared.messaging.event_log import object_key
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import Runtime, WriteScope
from tests.support.aws import Aws
from tests.support.clock import FakeClock
from tests.support.http import Caller
from tests.support.queues import from_bus

OPERATIONS = {one.SUBSCRIBER.queue_name: one.SUBSCRIBER for one in (rebuild, redrive, replay)}
QUEUE = "default-admire"
DEAD = f"{QUEUE}-dlq"


class Painted(IntegrationEvent):
    service_name: ClassVar[str] = "fences"
    aggregate_type: ClassVar[str] = "fence"

    fence_id: str


class Admired(IntegrationEvent):
    """The effect that must not happen twice."""

    service_name: ClassVar[str] = "fences"
    aggregate_type: ClassVar[str] = "fence"

    fence_id: str


@dataclass
class Paint:
    is_wet: bool = False


@dataclass
class Operated:
    aws: Aws
    admin: Caller
    admin_id: str
    runtime: Runtime
    paint: Paint = field(default_factory=Paint)

    def caller(self) -> Caller:
        """Somebody who is logged in and no administrator."""
        return Caller(self.runtime, User(user_id=self.aws.ids.new(), session_id=self.aws.ids.new()))

    def url(self, name: str) -> str:
        url: str = self.aws.client("sqs").get_queue_url(QueueName=f"visionscope-test-{name}")["QueueUrl"]
        return url

    def waiting(self, name: str) -> int:
        attribute = "ApproximateNumberOfMessages"
        answer = self.aws.client("sqs").get_queue_attributes(QueueUrl=self.url(name), AttributeNames=[attribute])
        return int(answer["Attributes"][attribute])

    def painted(self, at: datetime | None = None) -> Envelope:
        now = at or self.aws.clock.now()
        context = Context(message_id=self.aws.ids.new(), correlation_id="c-1", received_at=now, deadline=now)
        fence_id = self.aws.ids.new()
        return enclose(
            Painted(fence_id=fence_id),
            Aggregate(type="fence", id=fence_id, version=1),
            context,
            message_id=self.aws.ids.new(),
            occurred_at=now,
        )

    def send(self, name: str, *bodies: object) -> None:
        sqs, url = self.aws.client("sqs"), self.url(name)
        texts = [body if isinstance(body, str) else json.dumps(body) for body in bodies]
        for start in range(0, len(texts), 10):
            entries = [{"Id": str(at), "MessageBody": text} for at, text in enumerate(texts[start : start + 10])]
            sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def log(self, event: Envelope) -> None:
        body = from_bus(event)
        self.aws.client("s3").put_object(
            Bucket=self.aws.settings["EVENTS_BUCKET"], Key=object_key(body), Body=json.dumps(body).encode()
        )

    def admire(self) -> int:
        """Handle all that waits in the queue, once; returns how many failed."""
        return self._consume(self._subscriber(), QUEUE)

    def die(self, event: Envelope) -> str:
        """Have an event fail and end among the dead letters; returns its id there."""
        self.paint.is_wet = True
        self.send(QUEUE, from_bus(event))
        assert self.admire() == 1
        self.send(DEAD, from_bus(event))
        self.paint.is_wet = False
        dead = self.admin_letters()
        (found,) = [one for one in dead if one["message_id"] == event.metadata.message_id]
        letter_id: str = found["dead_letter_id"]
        return letter_id

    def admin_letters(self) -> list[dict[str, Any]]:
        from functions.operations.queries import list_dead_letters

        answer = self.admin.send(list_dead_letters.ENDPOINT, f"/v1/admin/dead-letters?queue={QUEUE}&limit=100")
        assert answer.status == 200, answer
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def carry_on(self, *, at_most: int = 100) -> int:
        """Deliver what operations send themselves, until there is nothing new; returns how many turns they took."""
        delivered: set[str] = set()
        while commands := [one for one in self.aws.commands() if one.metadata.message_id not in delivered]:
            for command in commands[: at_most - len(delivered)]:
                assert command.destination is not None
                # In a queue it would wait so long.
                self.aws.clock.advance(seconds=command.destination.delay_seconds)
                assert not self.deliver(command)
                delivered.add(command.metadata.message_id)
            if len(delivered) >= at_most:
                break
        return len(delivered)

    def deliver(self, command: Envelope, *, delivery: int = 1) -> list[dict[str, str]]:
        assert command.destination is not None
        subscriber = OPERATIONS[command.destination.queue]
        function = QueueFunction(subscriber, compose_message, lambda: self.runtime)
        record = {
            "messageId": command.metadata.message_id,
            "receiptHandle": "r",
            "body": json.dumps(from_bus(command)),
            "attributes": {"ApproximateReceiveCount": str(delivery)},
        }
        return function({"Records": [record]})["batchItemFailures"]

    def admired(self) -> int:
        return len(self.aws.events("Admired"))

    def _consume(self, subscriber: Subscriber, name: str) -> int:
        sqs, url = self.aws.client("sqs"), self.url(name)
        runtime = Runtime(Settings({**environment(self.aws), "QUEUE_URL": url}), self.aws.clock, self.aws.ids)
        runtime.client = self.runtime.client
        function = QueueFunction(subscriber, compose_message, lambda: runtime)
        failures = 0
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in messages:
                record = {
                    "messageId": one["MessageId"],
                    "receiptHandle": one["ReceiptHandle"],
                    "body": one["Body"],
                    "attributes": {"ApproximateReceiveCount": "1"},
                }
                failures += len(function({"Records": [record]})["batchItemFailures"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
        return failures

    def _subscriber(self) -> Subscriber:
        def build(scope: WriteScope) -> Callable[[Painted], Result[None]]:
            def admire(event: Painted) -> Result[None]:
                if self.paint.is_wet:
                    return Failure(Conflict("The paint is wet."))
                scope.uow.record(Admired(fence_id=event.fence_id), event.fence_id, version=2)
                return Success(None)

            return admire

        return Subscriber(name="admire", message=Painted, queue=QueueClass.DEFAULT, build=build)


def environment(aws: Aws) -> dict[str, str]:
    names = ["STAGE", "EVENTS_BUCKET", "RESULTS_BUCKET", "QUEUE_URL"]
    names += [f"{table}_TABLE" for table in ("DATA", "OUTBOX", "READ_MODELS", "AUDIT", "EPHEMERAL")]
    sources = {"queues": [QUEUE], "streams": ["publish-outbox"], "schedules": ["sweep-outbox"]}
    return {name: aws.settings[name] for name in names} | {
        "REBUILD_GRACE_SECONDS": "120",
        "DEAD_LETTER_SOURCES": json.dumps(sources),
        "SUBSCRIPTIONS": json.dumps([[QUEUE, Painted.source(), "Painted"]]),
    }


@pytest.fixture
def operated(aws: Aws) -> Operated:
    # SQS has a clock of its own, which the stage's has to agree with.
    aws.clock = FakeClock(datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=5))
    sqs = aws.client("sqs")
    for name in (QUEUE, DEAD, f"{QUEUE}-undelivered", "publish-outbox-failures", "sweep-outbox-undelivered"):
        sqs.create_queue(QueueName=f"visionscope-test-{name}")
    runtime = Runtime(Settings(environment(aws)), aws.clock, aws.ids, aws.client)
    admin = User(user_id=aws.ids.new(), session_id=aws.ids.new())
    now = aws.clock.now()
    context = Context(message_id="m", correlation_id="c", received_at=now, deadline=now + timedelta(seconds=9))
    uow = runtime.begin(context)
    Administrators(uow).add(admin.user_id, "system:operator", rfc3339(now))
    uow.commit()
    return Operated(aws, Caller(runtime, admin), admin.user_id, runtime)
