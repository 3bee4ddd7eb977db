"""What a failed message leaves behind, and messages of other times."""

import json
from collections.abc import Callable
from typing import Any, ClassVar

from functions.entry import compose_message
from shared.cqrs.messages import IntegrationEvent
from shared.kernel.errors import Conflict, DependencyUnavailable
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import QueueFunction, message_id_of
from shared.messaging.dead_letters import LastErrors
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws


class Painted(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "fence"
    schema_version: ClassVar[int] = 2
    upcasters: ClassVar = {1: lambda data: {**data, "coats": 1}}

    colour: str
    coats: int


class Repainted(Painted):
    """What the subscriber tells others."""


def build(scope: WriteScope) -> Callable[[Painted], Result[None]]:
    def admire(event: Painted) -> Result[None]:
        if event.colour == "wet":
            return Failure(Conflict("The paint is wet."))
        if event.colour == "sold out":
            return Failure(DependencyUnavailable("No paint before noon.", retry_after_seconds=event.coats))
        scope.uow.record(Repainted(colour=event.colour, coats=event.coats), "f", version=1)
        return Success(None)

    return admire


SUBSCRIBER = Subscriber(name="admire", message=Painted, queue=QueueClass.DEFAULT, build=build)


def record(
    data: object, *, message_id: str = "m-1", detail_type: str = "Painted", **metadata: object
) -> dict[str, Any]:
    described = {
        "message_id": message_id,
        "occurred_at": "2026-03-01T12:00:00.000Z",
        "correlation_id": "c",
        "service_name": "tests",
        **metadata,
    }
    body = {"detail-type": detail_type, "detail": {"metadata": described, "data": data}}
    return of_body(json.dumps(body))


def of_body(body: str) -> dict[str, Any]:
    return {
        "messageId": "sqs-1",
        "receiptHandle": "r",
        "body": body,
        "attributes": {"ApproximateReceiveCount": "1"},
    }


class Queue:
    def __init__(self, error: Exception | None = None) -> None:
        self._error = error
        self.waits: list[int] = []

    def change_message_visibility(self, **request: Any) -> None:
        if self._error:
            raise self._error
        self.waits.append(request["VisibilityTimeout"])


def handle(aws: Aws, *records: dict[str, Any], queue: Queue | None = None) -> int:
    """How many failed."""
    aws.fakes["sqs"] = queue or Queue()
    function = QueueFunction(SUBSCRIBER, compose_message, lambda: aws.runtime)
    return len(function({"Records": list(records)})["batchItemFailures"])


def last_errors(aws: Aws) -> LastErrors:
    return LastErrors("default-admire", aws.runtime)


def test_the_last_error_of_a_message_is_kept_with_its_first_and_last_time(aws: Aws) -> None:
    wet = record({"colour": "wet", "coats": 1}, schema_version=2)
    assert handle(aws, wet) == 1
    aws.clock.advance(minutes=5)
    assert handle(aws, wet) == 1
    kept = last_errors(aws).get("m-1")
    assert kept is not None
    assert (kept.subscriber, kept.error, kept.reason, kept.deliveries) == ("admire", "conflict", "The paint is wet.", 2)
    assert (kept.first_failed_at[11:16], kept.last_failed_at[11:16]) == ("12:00", "12:05")
    (row,) = aws.items("ephemeral")
    assert int(row["expires_at"]["N"]) == int(aws.clock.now().timestamp()) + 15 * 24 * 3600
    assert last_errors(aws).get("m-2") is None


def test_what_cannot_be_read_is_kept_with_a_reason_under_what_identifies_it(aws: Aws) -> None:
    cases = {
        "newer": record({}, message_id="newer", schema_version=3),
        "other": record({}, message_id="other", version=2),
        "stranger": record({}, message_id="stranger", detail_type="Burned"),
        "unfit": record({"colour": "x", "coats": "many"}, message_id="unfit", schema_version=2),
        "sqs-1": of_body("no json"),
    }
    reasons: dict[str, str] = {}
    for message_id, one in cases.items():
        assert message_id_of(one) == message_id
        assert handle(aws, one) == 1
        kept = last_errors(aws).get(message_id)
        assert kept is not None
        reasons[message_id] = kept.reason
    assert reasons == {
        "newer": "Painted has schema version 3, known is 2",
        "other": "Painted version 2, known is 1",
        "stranger": "Painted is expected here, this is another message",
        "unfit": "not a Painted: coats: int_parsing",
        "sqs-1": "not a Painted: JSONDecodeError",
    }


def test_an_event_of_an_earlier_schema_is_handled_as_the_newest(aws: Aws) -> None:
    assert handle(aws, record({"colour": "red"}, schema_version=1)) == 0
    (event,) = aws.events("Repainted")
    assert event.data == {"colour": "red", "coats": 1}


def test_a_queue_that_does_not_answer_costs_the_others_nothing(aws: Aws) -> None:
    from botocore.exceptions import ConnectionClosedError

    good = record({"colour": "red", "coats": 1}, message_id="m-2", schema_version=2)
    assert handle(aws, of_body("no json"), good, queue=Queue(ConnectionClosedError(endpoint_url="sqs"))) == 1
    assert len(aws.events("Repainted")) == 1


def test_a_message_waits_as_long_as_its_error_asks_for(aws: Aws) -> None:
    queue = Queue()
    for seconds in (1, 120, 5000):
        handle(aws, record({"colour": "sold out", "coats": seconds}, schema_version=2), queue=queue)
    assert 2 <= queue.waits[0] <= 5
    assert queue.waits[1:] == [120, 900]


def test_data_that_is_elsewhere_is_fetched_and_a_damaged_one_refused(aws: Aws) -> None:
    payload = aws.runtime.payloads.put(json.dumps({"colour": "red", "coats": 3}).encode(), "w-1")
    assert payload.key.startswith("payloads/w-1/")
    referring = record({}, schema_version=2, payload=payload.model_dump())
    aws.client("s3").put_object(Bucket=aws.settings["EVENTS_BUCKET"], Key=payload.key, Body=b"{}")
    assert handle(aws, referring) == 1
    aws.client("s3").delete_object(Bucket=aws.settings["EVENTS_BUCKET"], Key=payload.key)
    assert handle(aws, referring) == 1
    kept = last_errors(aws).get("m-1")
    assert kept is not None
    assert kept.error == "dependency-unavailable"
    aws.runtime.payloads.put(json.dumps({"colour": "red", "coats": 3}).encode(), "w-1")
    assert handle(aws, referring) == 0
    assert aws.events("Repainted")[0].data["coats"] == 3
