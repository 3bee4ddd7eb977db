"""The subscriber runtime: one effect per message, and failures that stay alone."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from botocore.exceptions import ClientError
from pynamodb.attributes import NumberAttribute

from functions.entry import compose_message
from shared.cqrs.messages import IntegrationEvent
from shared.kernel.errors import CircuitOpen, Conflict, DependencyUnavailable
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.rows import DataRow
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws


class TallyRow(DataRow):
    value = NumberAttribute()


class Counted(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "counter"

    name: str
    amount: int


class Recounted(Counted):
    """What the subscriber tells others."""


def build(scope: WriteScope) -> Callable[[Counted], Result[None]]:
    def add(event: Counted) -> Result[None]:
        if event.amount < 0:
            return Failure(Conflict("negative"))
        if event.amount == 13:
            raise RuntimeError("a bug")
        if event.amount == 7:
            raise DependencyUnavailable("down", retry_after_seconds=5)
        if event.amount == 8:
            raise CircuitOpen("known to be down", retry_after_seconds=100)
        key = f"TALLY#{event.name}"
        row = scope.store.get(TallyRow, key, "TALLY")
        if row is None:
            scope.uow.insert(TallyRow(pk=key, sk="TALLY", value=event.amount))
        else:
            scope.uow.update(TallyRow, key, "TALLY", [TallyRow.value.add(event.amount)])
        scope.uow.record(Recounted(name=event.name, amount=event.amount), event.name, version=1)
        return Success(None)

    return add


SUBSCRIBER = Subscriber(name="tally", message=Counted, queue=QueueClass.DEFAULT, build=build)


class Queue:
    """SQS as far as the runtime uses it."""

    def __init__(self) -> None:
        self.backoffs: list[int] = []
        self.sent: list[tuple[str, int]] = []
        self.sending_fails = False

    def change_message_visibility(self, **request: Any) -> None:
        self.backoffs.append(request["VisibilityTimeout"])

    def send_message(self, **request: Any) -> None:
        if self.sending_fails:
            raise ClientError({"Error": {"Code": "RequestThrottled", "Message": ""}}, "SendMessage")
        self.sent.append((request["MessageBody"], request["DelaySeconds"]))


def body(message_id: str, data: dict[str, object], **metadata: object) -> str:
    described = {
        "message_id": message_id,
        "occurred_at": "2026-03-01T12:00:00.000Z",
        "correlation_id": "story",
        "service_name": "tests",
        **metadata,
    }
    return json.dumps({"detail": {"metadata": described, "data": data}})


def deliver(aws: Aws, *bodies: str, deliveries: int = 1, queue: Queue | None = None) -> list[int]:
    """Deliver one batch; the positions that were reported as failed."""
    aws.fakes["sqs"] = queue or Queue()
    function = QueueFunction(SUBSCRIBER, compose_message, lambda: aws.runtime)
    records = [
        {
            "messageId": str(at),
            "receiptHandle": "r",
            "body": text,
            "attributes": {"ApproximateReceiveCount": str(deliveries)},
        }
        for at, text in enumerate(bodies)
    ]
    return [int(failed["itemIdentifier"]) for failed in function({"Records": records})["batchItemFailures"]]


def tally(aws: Aws, name: str = "a") -> int:
    row = aws.runtime.store.get(TallyRow, f"TALLY#{name}", "TALLY")
    return int(row.value) if row else 0


def test_a_message_has_one_effect_however_often_it_is_delivered(aws: Aws) -> None:
    message = body("m-1", {"name": "a", "amount": 5})
    assert deliver(aws, message, message) == []
    assert deliver(aws, message) == []
    assert tally(aws) == 5
    assert len(aws.events()) == 1


def test_a_failed_message_is_reported_alone_wherever_it_stands(aws: Aws) -> None:
    poisons = [
        "no json",
        "[]",
        body("p-1", {"name": "a"}),
        body("p-2", {"name": "a", "amount": -1}),
        body("p-3", {"name": "a", "amount": 13}),
        body("p-4", {"name": "a", "amount": 1}, version=2),
    ]
    for number, poison in enumerate(poisons):
        for position in range(3):
            batch = [body(f"{number}-{position}-{at}", {"name": "a", "amount": 1}) for at in range(2)]
            batch.insert(position, poison)
            assert deliver(aws, *batch) == [position], poison
    assert tally(aws) == len(poisons) * 3 * 2


def test_a_failed_message_waits_longer_each_time(aws: Aws) -> None:
    waits: list[int] = []
    for deliveries in (1, 2, 3, 12):
        deliver(aws, "no json", deliveries=deliveries)
        waits += aws.fakes["sqs"].backoffs
    assert waits == sorted(waits)
    assert 2 <= waits[0] <= 5
    assert 450 <= waits[-1] <= 900


def test_what_an_open_breaker_kept_from_being_tried_is_sent_anew(aws: Aws) -> None:
    queue, untried = Queue(), body("m-2", {"name": "a", "amount": 8})
    batch = [body("m-1", {"name": "a", "amount": 1}), untried, body("m-3", {"name": "a", "amount": 7})]

    assert deliver(aws, *batch, deliveries=5, queue=queue) == [2], "what was tried and failed is nearer its end"

    ((sent, delay),) = queue.sent
    assert sent == untried
    assert 100 <= delay <= 150
    assert tally(aws) == 1


def test_what_cannot_be_sent_anew_has_failed(aws: Aws) -> None:
    queue = Queue()
    queue.sending_fails = True

    assert deliver(aws, body("m-1", {"name": "a", "amount": 8}), queue=queue) == [0]

    (wait,) = queue.backoffs
    assert wait >= 100


def test_what_a_message_causes_carries_its_story(aws: Aws) -> None:
    deliver(aws, body("m-1", {"name": "a", "amount": 1, "added_later": True}))
    (event,) = aws.events()
    assert (event.metadata.correlation_id, event.metadata.causation_id) == ("story", "m-1")
