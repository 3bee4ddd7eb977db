"""What a handler tells others leaves with its change, or not at all."""

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pynamodb.attributes import UnicodeAttribute

from functions.entry import compose_message
from functions.operations.subscribers.publish_outbox import PublishOutbox
from shared.aws.settings import Settings
from shared.cqrs.messages import IntegrationEvent, MessageCommand
from shared.cqrs.pipeline import Context
from shared.kernel.errors import Conflict
from shared.kernel.result import Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.rows import DataRow
from shared.persistence.scope import Runtime, WriteScope
from shared.persistence.unit_of_work import Refused
from tests.support.aws import Aws
from tests.support.queues import deliver, from_bus


class FenceRow(DataRow):
    colour = UnicodeAttribute()


class FencePainted(IntegrationEvent):
    service_name: ClassVar[str] = "fences"
    aggregate_type: ClassVar[str] = "fence"


class VarnishFence(MessageCommand):
    service_name: ClassVar[str] = "fences"

    fence_id: str


def build(scope: WriteScope) -> Callable[[VarnishFence], Result[None]]:
    def varnish(command: VarnishFence) -> Result[None]:
        scope.uow.insert(FenceRow(pk=f"COAT#{scope.runtime.ids.new()}", sk="COAT", colour=command.fence_id))
        return Success(None)

    return varnish


SUBSCRIBER = Subscriber(name="varnish", message=VarnishFence, queue=QueueClass.DEFAULT, build=build)


def paint(aws: Aws, message_id: str, *, delay_seconds: int = 0) -> None:
    now = aws.clock.now()
    context = Context(message_id=message_id, correlation_id="story", received_at=now, deadline=now)
    scope = WriteScope(aws.runtime, context, uow=aws.runtime.begin(context))
    row = FenceRow(pk="FENCE#f-1", sk="FENCE", colour="red")
    scope.uow.insert(row, otherwise=Conflict("It is painted."))
    scope.bus.publish(FencePainted(), "f-1", version=1)
    scope.bus.send(VarnishFence(fence_id="f-1"), SUBSCRIBER.queue_name, delay_seconds=delay_seconds)
    scope.uow.commit()


def coats(aws: Aws) -> int:
    return sum(item["sk"]["S"] == "COAT" for item in aws.items("data"))


def test_an_event_and_a_command_exist_exactly_when_their_change_does(aws: Aws) -> None:
    paint(aws, "m-1")
    with pytest.raises(Refused):
        paint(aws, "m-2")
    (event,), (command,) = aws.events(), aws.commands(SUBSCRIBER.queue_name)
    assert (event.detail_type, command.detail_type) == ("FencePainted", "VarnishFence")
    for told in (event, command):
        assert (told.metadata.correlation_id, told.metadata.causation_id) == ("story", "m-1")


def test_a_command_of_a_newer_release_is_left_for_one_that_knows_it(aws: Aws) -> None:
    paint(aws, "m-1")
    (command,) = aws.commands()
    newer = from_bus(command)
    newer["detail"]["metadata"]["schema_version"] = 2
    assert not deliver(SUBSCRIBER, newer, aws.runtime)
    assert coats(aws) == 0


def test_a_command_that_is_delivered_twice_has_one_effect(aws: Aws) -> None:
    paint(aws, "m-1")
    (command,) = aws.commands()
    assert [deliver(SUBSCRIBER, from_bus(command), aws.runtime) for _ in range(2)] == [True, True]
    assert coats(aws) == 1


def test_the_publisher_puts_a_command_into_its_handlers_queue(aws: Aws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName=f"visionscope-test-{SUBSCRIBER.queue_name}")["QueueUrl"]
    paint(aws, "m-1")
    (item,) = aws.items("outbox")
    stream = {"Records": [{"dynamodb": {"NewImage": item, "SequenceNumber": "1"}}]}
    assert PublishOutbox(aws.runtime)(stream) == {"batchItemFailures": []}
    (message,) = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    environment = {name: aws.settings[name] for name in ("DATA_TABLE", "EPHEMERAL_TABLE", "OUTBOX_TABLE", "STAGE")}
    runtime = Runtime(Settings({**environment, "QUEUE_URL": url}), aws.clock, aws.ids, aws.client)
    record: dict[str, Any] = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": {"ApproximateReceiveCount": "1"},
    }
    assert QueueFunction(SUBSCRIBER, compose_message, lambda: runtime)({"Records": [record]}) == {
        "batchItemFailures": []
    }
    assert coats(aws) == 1


def test_a_command_waits_no_longer_than_a_queue_can_hold_it_back(aws: Aws) -> None:
    paint(aws, "m-1", delay_seconds=900)
    (command,) = aws.commands()
    assert command.destination is not None
    assert command.destination.delay_seconds == 900
    with pytest.raises(ValueError, match="900 seconds"):
        paint(aws, "m-2", delay_seconds=901)
