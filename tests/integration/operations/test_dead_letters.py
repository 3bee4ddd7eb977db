"""Dead letters are listed, redriven and discarded; none of it is lost, and none of it has a second effect."""

import json
from typing import Any

import pytest

from functions.operations.adapters.dead_letters import DeadLetters
from functions.operations.commands import discard_dead_letter, redrive_dead_letter, redrive_queue
from functions.operations.domain.operation import STEP_MESSAGES
from functions.operations.queries import get_dead_letter, get_operation, list_dead_letters
from tests.integration.operations.conftest import DEAD, QUEUE, Operated
from tests.support.http import Answer
from tests.support.queues import from_bus


def redrive(operated: Operated, letter_id: str, **headers: str) -> Answer:
    path = f"/v1/admin/dead-letters/{letter_id}/redrive"
    return operated.admin.send(redrive_dead_letter.ENDPOINT, path, {}, headers=headers)


def discard(operated: Operated, letter_id: str, reason: str = "It is of no use.") -> Answer:
    path = f"/v1/admin/dead-letters/{letter_id}/discard"
    return operated.admin.send(discard_dead_letter.ENDPOINT, path, {"reason": reason})


def show(operated: Operated, letter_id: str) -> Answer:
    return operated.admin.send(get_dead_letter.ENDPOINT, f"/v1/admin/dead-letters/{letter_id}")


def trail(operated: Operated, action: str) -> list[str]:
    return [one["state"]["S"] for one in operated.aws.items("audit") if one["action"]["S"] == action]


def test_a_dead_letter_is_listed_with_its_error_and_where_it_came_from(operated: Operated) -> None:
    event = operated.painted()
    letter_id = operated.die(event)
    (letter,) = operated.admin_letters()
    assert operated.admin_letters() == [letter], "looking takes nothing away, however often"
    expected = {
        "dead_letter_id": letter_id,
        "status": "waiting",
        "queue": QUEUE,
        "dead_letter_queue": DEAD,
        "subscriber": "admire",
        "message_id": event.metadata.message_id,
        "source": "visionscope.fences",
        "detail_type": "Painted",
        "correlation_id": "c-1",
        "error": "conflict",
        "reason": "The paint is wet.",
        "deliveries": 1,
        "is_redrivable": True,
    }
    assert {name: letter[name] for name in expected} == expected
    assert letter["first_failed_at"] == letter["last_failed_at"]
    shown = show(operated, letter_id)
    assert shown.json["message"] == from_bus(event)


def test_every_kind_of_dead_letter_says_what_is_known_of_it(operated: Operated) -> None:
    operated.aws.client("sqs").send_message(
        QueueUrl=operated.url(f"{QUEUE}-undelivered"),
        MessageBody=json.dumps(from_bus(operated.painted())),
        MessageAttributes={
            "ERROR_CODE": {"DataType": "String", "StringValue": "NO_PERMISSIONS"},
            "ERROR_MESSAGE": {"DataType": "String", "StringValue": "Not allowed to send"},
        },
    )
    stream = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "DDBStreamBatchInfo": {"batchSize": 3}}
    operated.send("publish-outbox-failures", stream)
    operated.send(DEAD, "no json")
    operated.send("sweep-outbox-undelivered", ["not", "an", "object"])
    answer = operated.admin.send(list_dead_letters.ENDPOINT, "/v1/admin/dead-letters")
    told = {one["dead_letter_queue"]: (one["error"], one["is_redrivable"]) for one in answer.json["items"]}
    assert told == {
        f"{QUEUE}-undelivered": ("NO_PERMISSIONS", True),
        "publish-outbox-failures": ("RetryAttemptsExhausted", False),
        DEAD: (None, True),
        "sweep-outbox-undelivered": (None, False),
    }
    assert answer.json["is_complete"]
    from_nowhere = next(one for one in answer.json["items"] if one["queue"] == "publish-outbox-failures")
    assert redrive(operated, from_nowhere["dead_letter_id"]).status == 409
    assert discard(operated, from_nowhere["dead_letter_id"]).status == 200


def test_a_list_says_when_more_wait_than_it_shows(operated: Operated) -> None:
    for _ in range(12):
        operated.send(DEAD, from_bus(operated.painted()))
    path = "/v1/admin/dead-letters?queue=default-admire-dlq&limit="
    some = operated.admin.send(list_dead_letters.ENDPOINT, path + "11").json
    assert (len(some["items"]), some["is_complete"]) == (11, False)
    every = operated.admin.send(list_dead_letters.ENDPOINT, path + "12").json
    assert (len({one["dead_letter_id"] for one in every["items"]}), every["is_complete"]) == (12, True)
    unknown = operated.admin.send(list_dead_letters.ENDPOINT, "/v1/admin/dead-letters?queue=default-adore")
    assert unknown.json["errors"][0]["pointer"] == "/queue"


def test_a_redriven_letter_has_its_effect_once_however_often_it_is_redriven(operated: Operated) -> None:
    letter_id = operated.die(operated.painted())
    first, second = redrive(operated, letter_id), redrive(operated, letter_id)
    assert (first.status, first.json["status"]) == (200, "redriven")
    assert second.json == first.json
    assert operated.waiting(QUEUE) == 1, "the second finds nothing more to send"
    assert operated.admire() == 0
    assert operated.admired() == 1
    assert operated.admin_letters() == []
    assert show(operated, letter_id).json["status"] == "redriven"
    assert trail(operated, "RedriveDeadLetter") == ["attempted", "succeeded"] * 2


def test_a_letter_that_was_handled_before_has_no_second_effect(operated: Operated) -> None:
    event = operated.painted()
    operated.send(QUEUE, from_bus(event))
    assert operated.admire() == 0
    operated.send(DEAD, from_bus(event))
    (letter,) = operated.admin_letters()
    assert redrive(operated, letter["dead_letter_id"]).status == 200
    assert operated.admire() == 0, "its inbox has it, which is no failure"
    assert operated.admired() == 1


def test_the_same_key_gives_the_same_answer_again(operated: Operated) -> None:
    letter_id = operated.die(operated.painted())
    redrive(operated, letter_id, **{"Idempotency-Key": "k"})
    again = redrive(operated, letter_id, **{"Idempotency-Key": "k"})
    assert (again.status, again.headers["idempotent-replayed"]) == (200, "true")


def test_a_letter_is_discarded_with_a_reason_that_is_kept(operated: Operated) -> None:
    letter_id = operated.die(operated.painted())
    assert discard(operated, letter_id, "  ").status == 422
    discarded = discard(operated, letter_id, "The fence is gone.")
    assert (discarded.status, discarded.json["status"]) == (200, "discarded")
    assert operated.admin_letters() == []
    kept = show(operated, letter_id).json
    assert (kept["status"], kept["decision_reason"]) == ("discarded", "The fence is gone.")
    assert kept["decided_by"] == f"user:{operated.admin_id}"
    assert (kept["error"], kept["reason"]) == ("conflict", "The paint is wet.")
    assert discard(operated, letter_id, "Another reason").json == discarded.json
    refused = redrive(operated, letter_id)
    assert (refused.status, refused.problem) == (409, "conflict")
    assert operated.waiting(QUEUE) == 0
    assert trail(operated, "DiscardDeadLetter") == ["attempted", "succeeded"] * 2
    assert trail(operated, "RedriveDeadLetter") == ["attempted", "failed"]


def test_what_was_never_there_is_not_found(operated: Operated) -> None:
    for letter_id in (f"{DEAD}.0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a", "default-adore-dlq.1", "nonsense"):
        assert show(operated, letter_id).status == 404
        assert redrive(operated, letter_id).status == 404
        assert discard(operated, letter_id).status == 404


class _CrashingAt:
    """SQS that ends the process at a call, before it is made or after."""

    def __init__(self, sqs: Any, call: str, *, after: bool) -> None:
        self._sqs, self._call, self._after = sqs, call, after

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._sqs, name)
        if name != self._call:
            return method

        def crash(**request: Any) -> None:
            if self._after:
                method(**request)
            raise SystemExit(name)

        return crash


@pytest.mark.parametrize("call", ["send_message_batch", "delete_message_batch"])
@pytest.mark.parametrize("after", [False, True])
def test_a_crash_in_the_middle_of_a_redrive_loses_nothing_and_is_made_up_for(
    operated: Operated, call: str, after: bool
) -> None:
    letter_id = operated.die(operated.painted())
    operated.aws.fakes["sqs"] = _CrashingAt(operated.aws.client("sqs"), call, after=after)
    with pytest.raises(SystemExit):
        redrive(operated, letter_id)
    del operated.aws.fakes["sqs"]
    assert redrive(operated, letter_id).status == 200
    operated.admire()
    assert operated.admired() == 1
    assert operated.admin_letters() == []


def test_a_discard_that_was_interrupted_has_its_reason_all_the_same(operated: Operated) -> None:
    letter_id = operated.die(operated.painted())
    operated.aws.fakes["sqs"] = _CrashingAt(operated.aws.client("sqs"), "delete_message_batch", after=True)
    with pytest.raises(SystemExit):
        discard(operated, letter_id, "The fence is gone.")
    del operated.aws.fakes["sqs"]
    assert show(operated, letter_id).json["decision_reason"] == "The fence is gone."


def test_whoever_reads_meanwhile_is_waited_for(operated: Operated) -> None:
    letter_id = operated.die(operated.painted())
    letters = DeadLetters(operated.runtime)
    (queue,) = letters.all_queues.named(DEAD)
    with letters.reading(queue) as others:
        assert next(others).dead_letter_id == letter_id
        assert redrive(operated, letter_id).status == 409
    assert redrive(operated, letter_id).status == 200


def test_a_queue_is_redriven_as_a_whole_in_steps(operated: Operated) -> None:
    letters = STEP_MESSAGES + 15
    operated.send(DEAD, *(from_bus(operated.painted()) for _ in range(letters)))
    # Later than any of them was sent by the queue's own clock, however long that took.
    operated.aws.clock.advance(minutes=10)
    path = "/v1/admin/dead-letters/redrive"
    started = operated.admin.send(redrive_queue.ENDPOINT, path, {"queue": QUEUE})
    assert started.status == 202
    assert operated.carry_on() == 2
    ended = operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json
    assert (ended["status"], ended["steps"], ended["progress"]) == (
        "completed",
        2,
        {"failed_again": 0, "sent": letters},
    )
    assert operated.admin_letters() == []
    assert operated.waiting(QUEUE) == letters


def test_letters_that_fail_again_during_a_redrive_of_all_stay(operated: Operated) -> None:
    operated.send(DEAD, from_bus(operated.painted()))
    operated.aws.clock.advance(hours=-1)
    started = operated.admin.send(redrive_queue.ENDPOINT, "/v1/admin/dead-letters/redrive", {"queue": QUEUE})
    operated.carry_on()
    ended = operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json
    assert (ended["status"], ended["progress"]) == ("completed", {"failed_again": 1, "sent": 0})
    assert len(operated.admin_letters()) == 1


def test_only_queues_that_exist_are_redriven(operated: Operated) -> None:
    path = "/v1/admin/dead-letters/redrive"
    unknown = operated.admin.send(redrive_queue.ENDPOINT, path, {"queue": "default-adore"})
    assert (unknown.status, unknown.json["errors"][0]["pointer"]) == (422, "/queue")
    assert operated.admin.send(redrive_queue.ENDPOINT, path, {"queue": "publish-outbox-failures"}).status == 409
