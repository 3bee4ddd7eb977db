"""Events of the log go to one subscriber again."""

from datetime import timedelta

from pydantic import BaseModel

from functions.operations.commands import start_replay
from functions.operations.domain.operation import STEP_MESSAGES
from functions.operations.queries import get_operation
from shared.aws.settings import Settings
from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from shared.messaging.process import Process
from shared.messaging.routing import QUEUES, QueueClass
from shared.persistence.scope import Runtime, WriteScope
from tests.integration.operations.conftest import QUEUE, Operated, environment
from tests.support.http import Answer
from tests.support.queues import from_bus


def replay(operated: Operated, hours: float = 24, subscriber: str = "admire") -> Answer:
    now = operated.aws.clock.now()
    body = {"subscriber": subscriber, "from": rfc3339(now - timedelta(hours=hours)), "to": rfc3339(now)}
    return operated.admin.send(start_replay.ENDPOINT, "/v1/admin/replays", body)


def ended(operated: Operated, started: Answer) -> dict[str, object]:
    operation = operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json
    return {"status": operation["status"], **operation["progress"]}


def logged(operated: Operated, *hours_ago: float) -> None:
    for hours in hours_ago:
        operated.log(operated.painted(operated.aws.clock.now() - timedelta(hours=hours)))


def test_what_the_subscriber_missed_is_handled_and_what_it_handled_has_no_second_effect(operated: Operated) -> None:
    handled = operated.painted()
    operated.log(handled)
    operated.send(QUEUE, from_bus(handled))
    assert operated.admire() == 0
    logged(operated, 1, 2)
    operated.aws.clock.advance(seconds=1)
    for _ in range(2):
        started = replay(operated)
        assert started.status == 202
        operated.carry_on()
        assert ended(operated, started) == {"status": "completed", "sent": 3, "too_old": 0}
        operated.admire()
        assert operated.admired() == 3


def test_only_events_of_the_range_and_of_the_subscribers_kind_are_sent(operated: Operated) -> None:
    logged(operated, 0.5, 1.5, 30, 50)
    other = operated.painted(operated.aws.clock.now() - timedelta(hours=1))
    operated.log(other.model_copy(update={"detail_type": "Sanded"}))
    operated.aws.runtime.payloads.put(b"{}", "w-1")
    started = replay(operated, hours=40)
    operated.carry_on()
    assert ended(operated, started) == {"status": "completed", "sent": 3, "too_old": 0}
    assert operated.waiting(QUEUE) == 3


def test_events_that_the_inbox_may_have_forgotten_are_counted_and_not_sent(operated: Operated) -> None:
    logged(operated, 1, 11 * 24, 13 * 24, 100 * 24)
    started = replay(operated, hours=24 * 365 * 20)
    operated.carry_on()
    assert ended(operated, started) == {"status": "completed", "sent": 2, "too_old": 2}


def test_a_replay_goes_on_where_a_step_ended_and_repeats_one_that_was_interrupted(
    operated: Operated,
) -> None:
    events = STEP_MESSAGES + 15
    logged(operated, *(1 + at / 100 for at in range(events)))
    started = replay(operated)
    operated.carry_on(at_most=1)
    assert ended(operated, started) == {"status": "running", "sent": STEP_MESSAGES, "too_old": 0}
    # The turn's command is delivered a second time, as after a lost acknowledgement: it is done already.
    operated.deliver(operated.aws.commands()[0])
    assert operated.waiting(QUEUE) == STEP_MESSAGES
    operated.carry_on()
    assert ended(operated, started) == {"status": "completed", "sent": events, "too_old": 0}
    assert operated.waiting(QUEUE) == events


def test_a_replay_needs_a_subscriber_of_events_and_a_range(operated: Operated) -> None:
    unknown = replay(operated, subscriber="adore")
    assert (unknown.status, unknown.json["errors"][0]["pointer"]) == (422, "/subscriber")
    backwards = replay(operated, hours=-1)
    assert (backwards.status, backwards.json["errors"][0]["pointer"]) == (422, "/to")
    no_zone = {"subscriber": "admire", "from": "2026-01-01T00:00:00", "to": "2026-01-02T00:00:00"}
    refused = operated.admin.send(start_replay.ENDPOINT, "/v1/admin/replays", no_zone)
    assert [one["pointer"] for one in refused.json["errors"]] == ["/from", "/to"]


def test_a_replay_whose_subscriber_is_gone_is_refused_with_its_reason(operated: Operated) -> None:
    logged(operated, 1)
    started = replay(operated)
    gone = Settings({**environment(operated.aws), "SUBSCRIPTIONS": "[]"})
    operated.runtime = Runtime(gone, operated.aws.clock, operated.aws.ids, operated.aws.client)
    operated.carry_on()
    operation = operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json
    assert (operation["status"], operation["reason"]["code"]) == ("compensated", "not-found")
    assert operation["ended_at"] is not None
    assert operated.waiting(QUEUE) == 0


def test_a_replay_that_is_stopped_half_way_has_failed(operated: Operated) -> None:
    logged(operated, *(1 + at / 1000 for at in range(STEP_MESSAGES + 1)))
    started = replay(operated)
    operated.carry_on(at_most=1)
    (last,) = operated.aws.commands()[1:]
    operated.deliver(last, delivery=QUEUES[QueueClass.DEFAULT].max_receive_count)
    operation = operated.admin.send(get_operation.ENDPOINT, started.headers["location"]).json
    assert (operation["status"], operation["progress"]["sent"]) == ("failed", STEP_MESSAGES)
    assert operation["reason"] == {"code": "internal-error", "detail": "The step was interrupted again and again."}


def test_what_is_no_operation_is_not_shown_as_one(operated: Operated) -> None:
    class Voyage(BaseModel):
        port: str

    now = operated.aws.clock.now()
    context = Context(message_id="m-voyage", correlation_id="c", received_at=now, deadline=now)
    uow = operated.runtime.begin(context)
    process_id = operated.aws.ids.new()
    voyage = Process("voyage", QueueClass.DEFAULT, Voyage, first_step="sail")
    voyage.start(WriteScope(operated.runtime, context, uow=uow), process_id, Voyage(port="Bergen"))
    uow.commit()
    assert operated.admin.send(get_operation.ENDPOINT, f"/v1/admin/operations/{process_id}").status == 404
