"""A message that can't be handled: what it takes with it (nothing), where it ends, and how it comes back."""

import json
from collections.abc import Callable
from random import Random
from typing import ClassVar

import pytest

from functions.entry import compose_message
from shared.cqrs.messages import IntegrationEvent
from shared.kernel.errors import Conflict
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import Runtime, WriteScope
from tests.faults.deposits import AccountRow, Deposited, DepositRow, deposits, open_account, total
from tests.faults.queue import Queue
from tests.faults.stage import Stage
from tests.support.faults import Crash, Fault, Network, at, at_random, no_faults, redelivered

pytestmark = pytest.mark.xdist_group("faults")


class Paid(IntegrationEvent):
    service_name: ClassVar[str] = "tests"
    aggregate_type: ClassVar[str] = "account"

    amount: int


class Booking:
    """Books payments; refuses those below zero until it is fixed."""

    def __init__(self) -> None:
        self.fixed = False

    def __call__(self, scope: WriteScope) -> Callable[[Paid], Result[None]]:
        def book(paid: Paid) -> Result[None]:
            if paid.amount < 0 and not self.fixed:
                return Failure(Conflict("negative"))
            if paid.amount == 13 and not self.fixed:
                raise RuntimeError("a bug")
            deposit_id = scope.runtime.ids.new()
            scope.uow.insert(DepositRow(pk="ACCOUNT#a", sk=f"DEPOSIT#{deposit_id}", amount=1))
            scope.uow.update(AccountRow, "ACCOUNT#a", "ACCOUNT", [AccountRow.total.add(1)])
            scope.uow.record(Deposited(deposit_id=deposit_id), "a", version=1)
            return Success(None)

        return book


def consumer(booking: Booking, runtime: Runtime) -> QueueFunction:
    subscriber = Subscriber(name="book", message=Paid, queue=QueueClass.BILLING, build=booking)
    return QueueFunction(subscriber, compose_message, lambda: runtime)


def paid(message_id: str, amount: object = 1, **metadata: object) -> str:
    described = {
        "message_id": message_id,
        "occurred_at": "2026-03-01T12:00:00.000Z",
        "correlation_id": "c",
        "service_name": "tests",
        **metadata,
    }
    return json.dumps({"detail": {"metadata": described, "data": {"amount": amount}}})


POISONS = {
    "no JSON": "no json",
    "no object": "[]",
    "no envelope": "{}",
    "null": '{"detail": null}',
    "another field": json.dumps({"detail": {**json.loads(paid("p"))["detail"], "data": {"total": 1}}}),
    "a wrong type": paid("p", "one"),
    "half a character": '{"detail": {"metadata": {"message_id": "\\ud800"}, "data": {"amount": "\\ud800"}}}',
    "a newer version": paid("p", version=2),
    "a refusal": paid("p", -1),
    "a bug": paid("p", 13),
    "data that is a list": json.dumps({"detail": {**json.loads(paid("p"))["detail"], "data": []}}),
    "an id that no key can hold": paid("p" * 3_000),
}


@pytest.mark.parametrize(
    "poison",
    [
        *(pytest.param(body, id=name) for name, body in POISONS.items()),
        pytest.param("[" * 100_000, id="nested without end"),
    ],
)
def test_a_poison_message_anywhere_in_a_batch_takes_nothing_with_it(stage: Stage, poison: str) -> None:
    open_account(stage, "a")
    for position in range(4):
        queue = Queue(max_receives=2)
        good = [paid(f"good-{position}-{number}") for number in range(3)]
        queue.send(*good[:position], poison, *good[position:])
        queue.drain(consumer(Booking(), stage.runtime(clients={"sqs": queue})))
        assert [message.body for message in queue.dead] == [poison]
        assert total(stage, "a") == len(deposits(stage)) == len(stage.events()) == 3 * (position + 1)


def test_a_message_that_can_not_be_put_off_takes_nothing_with_it(stage: Stage) -> None:
    open_account(stage, "a")
    queue = Queue(visibility_fails=True)
    queue.send(paid("poison", -1), paid("good"))
    queue.drain(consumer(Booking(), stage.runtime(clients={"sqs": queue})))
    assert [message.body for message in queue.dead] == [paid("poison", -1)]
    assert total(stage, "a") == 1


def test_redriving_twice_adds_no_effect(stage: Stage) -> None:
    open_account(stage, "a")
    queue, booking = Queue(), Booking()
    consume = consumer(booking, stage.runtime(clients={"sqs": queue}))
    queue.send(*(paid(f"m-{number}", -1 if number % 5 == 0 else 1) for number in range(20)))
    queue.drain(consume)
    assert (len(queue.dead), total(stage, "a")) == (4, 16)
    booking.fixed = True
    for _ in range(2):
        queue.redrive()
    queue.drain(consume)
    queue.redrive()
    queue.drain(consume)
    assert total(stage, "a") == len(deposits(stage)) == len(stage.events()) == 20
    assert len(queue.dead) == 4, "and nothing dies of being redriven"


def test_a_crash_at_any_call_of_a_consumer_leaves_one_effect(stage: Stage) -> None:
    open_account(stage, "a")
    network = Network(no_faults, "none")
    queue = Queue()
    queue.send(paid("m-0"), paid("m-1"))
    queue.drain(consumer(Booking(), stage.runtime(network, clients={"sqs": queue})))
    calls, done = len(network.calls), 2
    for number in range(1, calls + 1):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            bodies = [paid(f"{fault.name}-{number}-{one}") for one in range(2)]
            doomed, queue = Queue(), Queue()
            doomed.send(*bodies)
            broken = consumer(Booking(), stage.runtime(Network(at(number, fault), "none"), clients={"sqs": doomed}))
            with pytest.raises(Crash):
                doomed.drain(broken)
            queue.send(*bodies)
            queue.drain(consumer(Booking(), stage.runtime(clients={"sqs": queue})))
            done += 2
            assert total(stage, "a") == len(deposits(stage)) == len(stage.events()) == done
            assert queue.dead == []


def test_messages_delivered_again_in_any_order_over_a_lossy_network_have_one_effect(stage: Stage, seed: int) -> None:
    open_account(stage, "a")
    random = Random(seed)
    network = Network(at_random({Fault.REQUEST_LOST: 0.1, Fault.REPLY_LOST: 0.1, Fault.CONFLICT: 0.1}), seed)
    queue = Queue(max_receives=20)
    queue.send(*redelivered([paid(f"m-{number}") for number in range(60)], random))
    queue.drain(consumer(Booking(), stage.runtime(network, clients={"sqs": queue})), random)
    assert queue.dead == []
    assert total(stage, "a") == len(deposits(stage)) == len(stage.events()) == 60
