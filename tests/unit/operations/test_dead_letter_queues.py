import json

from functions.operations.domain.dead_letters import (
    DeadLetterQueues,
    stream_error,
    subscriber_of,
    undelivered_error,
)
from infra.declarations import dead_letter_sources, discover
from shared.messaging.routing import Subscriber


def queues() -> DeadLetterQueues:
    return DeadLetterQueues.from_json(
        json.dumps(
            {
                "queues": ["billing-settle"],
                "commands": ["video-processing-complete"],
                "streams": ["publish"],
                "schedules": ["sweep"],
            }
        )
    )


def test_every_source_has_its_queues_and_what_they_are_redriven_to() -> None:
    assert {queue.name: (queue.origin, queue.subscriber) for queue in queues()} == {
        "billing-settle-dlq": ("billing-settle", "settle"),
        "billing-settle-undelivered": ("billing-settle", "settle"),
        "publish-failures": (None, "publish"),
        "sweep-undelivered": (None, "sweep"),
        "video-processing-complete-dlq": ("video-processing-complete", "complete"),
    }


def test_a_queue_is_named_itself_or_with_all_that_it_left() -> None:
    assert [queue.name for queue in queues().named("billing-settle")] == [
        "billing-settle-dlq",
        "billing-settle-undelivered",
    ]
    assert [queue.name for queue in queues().named("publish-failures")] == ["publish-failures"]
    assert queues().named("billing") == []


def test_a_letter_belongs_to_the_queue_that_its_id_names() -> None:
    queue = queues().of("billing-settle-dlq.0190a5a2")
    assert queue is not None
    assert queue.name == "billing-settle-dlq"
    assert queues().of("billing-settle.0190a5a2") is None


def test_the_name_of_each_declared_queue_tells_its_subscriber() -> None:
    subscribers = [one.declaration for one in discover() if isinstance(one.declaration, Subscriber)]
    assert subscribers
    for subscriber in subscribers:
        assert subscriber_of(subscriber.queue_name) == subscriber.name


def test_the_declared_sources_fit_into_a_functions_environment() -> None:
    assert len(dead_letter_sources(discover())) < 3_000


def test_the_reason_of_what_was_not_delivered_is_told() -> None:
    assert undelivered_error({"ERROR_CODE": "NO_PERMISSIONS", "ERROR_MESSAGE": "no"}) == ("NO_PERMISSIONS", "no")
    assert undelivered_error({}) is None
    body = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": {"batchSize": 2}}
    assert stream_error(body) == ("RetryAttemptsExhausted", "2 records of the stream were given up")
    assert stream_error("text") is None
