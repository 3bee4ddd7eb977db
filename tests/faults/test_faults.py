"""The faults themselves: each does what it says, and a seed brings the same ones again."""

import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.faults.stage import Stage
from tests.support.faults import Crash, Fault, Network, Plan, at, at_random, redelivered

pytestmark = pytest.mark.xdist_group("faults")


def behind(stage: Stage, plan: Plan, service: str = "dynamodb", *, attempts: int = 1) -> tuple[Any, Network]:
    network = Network(plan, "seed")
    return network.attach(stage.emulator.connect(service, attempts=attempts)), network


def count(stage: Stage) -> int:
    (item,) = stage.items("data")
    return int(item["n"]["N"])


def add_one(stage: Stage, client: Any) -> None:
    client.update_item(
        TableName=stage.settings.table("data"),
        Key={"pk": {"S": "a"}, "sk": {"S": "a"}},
        UpdateExpression="ADD n :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


@pytest.mark.parametrize(
    ("fault", "raised", "effects"),
    [
        (Fault.REQUEST_LOST, Exception, 0),
        (Fault.REPLY_LOST, ReadTimeoutError, 1),
        (Fault.REQUEST_LATE, ReadTimeoutError, 0),
        (Fault.ARRIVES_TWICE, None, 2),
        (Fault.DELAYED, None, 1),
        (Fault.THROTTLED, ClientError, 0),
        (Fault.CONFLICT, None, 1),
        (Fault.CRASH_BEFORE, Crash, 0),
        (Fault.CRASH_AFTER, Crash, 1),
    ],
)
def test_each_fault_does_what_it_says(
    stage: Stage, fault: Fault, raised: type[BaseException] | None, effects: int
) -> None:
    client, network = behind(stage, at(2, fault))
    add_one(stage, client)
    if raised is None:
        add_one(stage, client)
    else:
        with pytest.raises(raised):
            add_one(stage, client)
    assert count(stage) == 1 + effects
    network.settle()
    assert count(stage) == 1 + effects + (fault is Fault.REQUEST_LATE)


def test_a_crashed_process_reaches_nothing_any_more(stage: Stage) -> None:
    client, _ = behind(stage, at(2, Fault.CRASH_AFTER))
    add_one(stage, client)
    for _ in range(2):
        with pytest.raises(Crash):
            add_one(stage, client)
    assert count(stage) == 2


def test_botocore_repeats_what_is_lost_and_each_repetition_is_a_call(stage: Stage) -> None:
    client, network = behind(stage, at(1, Fault.REPLY_LOST), attempts=3)
    add_one(stage, client)
    assert count(stage) == 2, "a plain update is made twice: why the unit of work has tokens"
    assert [call.number for call, _ in network.calls] == [1, 2]


def test_a_seed_brings_the_same_faults_again_whatever_other_stories_do(stage: Stage) -> None:
    plan = at_random({Fault.THROTTLED: 0.3, Fault.REPLY_LOST: 0.3})

    def story(network: Network, client: Any, name: str) -> list[Fault | None]:
        met: list[Fault | None] = []
        with network.story(name):
            for _ in range(12):
                with suppress(ClientError, ReadTimeoutError):
                    add_one(stage, client)
                met.append(network.calls[-1][1])
        return met

    def run(seed: str, names: str) -> dict[str, list[Fault | None]]:
        network = Network(plan, seed)
        client = network.attach(stage.emulator.connect("dynamodb", attempts=1))
        return {name: story(network, client, name) for name in names}

    first = run("one", "ab")
    assert run("one", "ba") == first
    assert first["a"] != first["b"]
    assert run("two", "ab") != first


def queue(stage: Stage) -> tuple[str, Any]:
    sqs = stage.emulator.connect("sqs")
    return sqs.create_queue(QueueName=uuid.uuid4().hex)["QueueUrl"], sqs


def send_messages(stage: Stage, client: Any) -> tuple[int, Callable[[], int]]:
    url, sqs = queue(stage)
    entries = [{"Id": str(number), "MessageBody": "m"} for number in range(10)]
    answer = client.send_message_batch(QueueUrl=url, Entries=entries)
    assert len(answer["Successful"]) + len(answer["Failed"]) == 10

    def arrived() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    return len(answer["Failed"]), arrived


def put_events(stage: Stage, client: Any) -> tuple[int, Callable[[], int]]:
    url, sqs = queue(stage)
    source = uuid.uuid4().hex
    events = stage.emulator.connect("events")
    events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}]}
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
    events.put_targets(Rule=source, Targets=[{"Id": "q", "Arn": arn}])
    entries = [{"Source": source, "DetailType": "t", "Detail": "{}"} for _ in range(10)]
    answer = client.put_events(Entries=entries)
    refused = sum("ErrorCode" in entry for entry in answer["Entries"])
    assert answer["FailedEntryCount"] == refused

    def arrived() -> int:
        attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        return int(attributes["Attributes"]["ApproximateNumberOfMessages"])

    return refused, arrived


def write_items(stage: Stage, client: Any) -> tuple[int, Callable[[], int]]:
    table = stage.settings.table("data")
    writes = [{"PutRequest": {"Item": {"pk": {"S": "a"}, "sk": {"S": str(number)}}}} for number in range(10)]
    answer = client.batch_write_item(RequestItems={table: writes})
    return len(answer["UnprocessedItems"][table]), lambda: len(stage.items("data"))


@pytest.mark.parametrize(
    ("service", "batch"),
    [("sqs", send_messages), ("events", put_events), ("dynamodb", write_items)],
    ids=["SendMessageBatch", "PutEvents", "BatchWriteItem"],
)
def test_a_part_of_a_batch_is_refused_and_the_rest_arrives(
    stage: Stage, service: str, batch: Callable[[Stage, Any], tuple[int, Callable[[], int]]]
) -> None:
    client, _ = behind(stage, at(1, Fault.PARTLY_REFUSED), service)
    refused, arrived = batch(stage, client)
    assert 1 <= refused <= 10
    assert arrived() == 10 - refused


def test_redelivery_repeats_and_reorders_and_loses_nothing(seed: int) -> None:
    messages = list(range(50))
    deliveries = redelivered(messages, Random(seed))
    assert set(deliveries) == set(messages)
    assert len(deliveries) > len(messages)
    assert deliveries != sorted(deliveries)
