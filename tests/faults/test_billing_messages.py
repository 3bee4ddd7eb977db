"""Whatever a queue does to billing's messages, the ledger is what each of them once would have made of it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from functions.billing.adapters.rows import LedgerRow, ledger_partition
from functions.billing.public import FREE, CreditAccounts, read_pools
from functions.entry import compose_message
from shared.aws.settings import Settings
from shared.cqrs.messages import MessageCommand
from shared.kernel.result import Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.outbox import OutboxItem
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import Runtime, WriteScope
from tests.faults.memory import MemoryDynamoDb
from tests.faults.queue import Queue
from tests.support.clock import FakeClock

WORKSPACE = "0197e000-0000-7000-8000-000000000001"
FEATURES = ("conversation", "people_detection")
ALLOWANCES = {str(code): amount for code, amount in FREE.allowances.items()}
SETTINGS = Settings(
    {"DATA_TABLE": "data", "OUTBOX_TABLE": "outbox", "EPHEMERAL_TABLE": "ephemeral", "QUEUE_URL": "queue"}
)


class MoveCredits(MessageCommand):
    """Hold, settle, release or deduct, as other contexts do in reaction to what they are told."""

    step: str
    hold_id: str
    amounts: dict[str, int]


def build(scope: WriteScope) -> Callable[[MoveCredits], Result[None]]:
    accounts = CreditAccounts(scope)

    def move(command: MoveCredits) -> Result[None]:
        if command.step == "open":
            accounts.open(WORKSPACE, FREE)
            return Success(None)
        if command.step == "hold":
            return accounts.hold(WORKSPACE, command.hold_id, command.amounts, "r")
        if command.step == "deduct":
            ((code, amount),) = command.amounts.items()
            return accounts.deduct(WORKSPACE, code, amount, command.hold_id, "r")
        return accounts.settle(WORKSPACE, command.hold_id, command.amounts)

    return move


SUBSCRIBER = Subscriber(name="move-credits", message=MoveCredits, queue=QueueClass.BILLING, build=build)


@dataclass(frozen=True)
class Message:
    message_id: str
    step: str
    hold_id: str
    amounts: tuple[tuple[str, int], ...] = ()

    def body(self) -> str:
        metadata = {
            "message_id": self.message_id,
            "occurred_at": "2026-03-01T12:00:00.000Z",
            "correlation_id": "c",
            "service_name": "billing",
        }
        data = {"step": self.step, "hold_id": self.hold_id, "amounts": dict(self.amounts)}
        return json.dumps({"detail-type": "MoveCredits", "detail": {"metadata": metadata, "data": data}})


@dataclass
class Oracle:
    """The rules of holds, said once more and without a database."""

    balance: dict[str, int] = field(default_factory=lambda: dict(ALLOWANCES))
    held: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALLOWANCES, 0))
    consumed: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ALLOWANCES, 0))
    open_holds: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    known_holds: set[str] = field(default_factory=set[str])
    handled: set[str] = field(default_factory=set[str])

    def take(self, message: Message) -> None:
        amounts = dict(message.amounts)
        if message.message_id in self.handled:
            return
        if message.step == "hold":
            if message.hold_id in self.known_holds or any(self.balance[code] < amounts[code] for code in amounts):
                return
            self.known_holds.add(message.hold_id)
            self.open_holds[message.hold_id] = amounts
            for code, amount in amounts.items():
                self.balance[code] -= amount
                self.held[code] += amount
        elif message.step == "deduct":
            ((code, amount),) = amounts.items()
            if self.balance[code] < amount:
                return
            self.balance[code] -= amount
            self.consumed[code] += amount
        else:
            held = self.open_holds.get(message.hold_id)
            if held is None or any(charge > held.get(code, 0) for code, charge in amounts.items()):
                return
            del self.open_holds[message.hold_id]
            for code, amount in held.items():
                charge = amounts.get(code, 0)
                self.held[code] -= amount
                self.consumed[code] += charge
                self.balance[code] += amount - charge
        self.handled.add(message.message_id)


AMOUNTS = st.dictionaries(st.sampled_from(FEATURES), st.integers(0, 20), min_size=1).map(lambda one: tuple(one.items()))
STEPS = st.sampled_from(["hold", "hold", "settle", "release", "deduct"])


def message(number: int, step: str, hold_id: str, amounts: tuple[tuple[str, int], ...]) -> Message:
    taken = {"release": 0, "deduct": 1}.get(step, len(amounts))
    return Message(f"m-{number}", step, hold_id, amounts[:taken])


MESSAGES = st.lists(st.tuples(STEPS, st.sampled_from("abcd"), AMOUNTS), min_size=2, max_size=7).map(
    lambda drawn: [message(number, *one) for number, one in enumerate(drawn)]
)
DELIVERIES = MESSAGES.flatmap(lambda messages: st.lists(st.sampled_from(messages), min_size=2, max_size=14))


@cache
def opened() -> MemoryDynamoDb:
    dynamodb = MemoryDynamoDb()
    assert deliver(dynamodb, Message("open", "open", "")) == []
    return dynamodb


def deliver(dynamodb: MemoryDynamoDb, *messages: Message) -> list[int]:
    """Deliver messages one after the other; the positions of those that were refused."""
    clients: dict[str, Any] = {"dynamodb": dynamodb, "sqs": Queue()}
    runtime = Runtime(SETTINGS, FakeClock(), client=clients.__getitem__)
    records = [
        {
            "messageId": str(at),
            "receiptHandle": "r",
            "body": message.body(),
            "attributes": {"ApproximateReceiveCount": "1"},
        }
        for at, message in enumerate(messages)
    ]
    failures = QueueFunction(SUBSCRIBER, compose_message, lambda: runtime)({"Records": records})["batchItemFailures"]
    return [int(failure["itemIdentifier"]) for failure in failures]


@settings(max_examples=1_000, deadline=None)
@given(DELIVERIES)
def test_any_duplication_and_order_leaves_the_ledger_equal_to_the_oracle(deliveries: list[Message]) -> None:
    dynamodb, oracle = opened().copy(), Oracle()
    deliver(dynamodb, *deliveries)
    for delivered in deliveries:
        oracle.take(delivered)
    runtime = Runtime(SETTINGS, FakeClock(), client=lambda _: dynamodb)
    ledger = list(runtime.store.all(LedgerRow, ledger_partition(WORKSPACE)))
    for code, pool in read_pools(runtime.store, WORKSPACE).items():
        assert (pool.balance, pool.held) == (oracle.balance[code], oracle.held[code])
        assert min(pool.balance, pool.held) >= 0
        entries = [row for row in ledger if row.feature_code == code]
        assert sum(row.balance_change for row in entries) == pool.balance
        assert sum(row.held_change for row in entries) == pool.held
    events = [
        event
        for item in dynamodb.items("outbox")
        for event in OutboxItem.from_attributes(item).events
        if event.detail_type == "CreditConsumed"
    ]
    for code, amount in oracle.consumed.items():
        assert sum(event.data["amount"] for event in events if event.data["feature_code"] == code) == amount


def test_a_message_that_was_handled_is_taken_when_it_is_delivered_again() -> None:
    dynamodb = opened().copy()
    hold = Message("m-1", "hold", "a", (("conversation", 50),))
    settle = Message("m-2", "settle", "a", (("conversation", 20),))
    assert deliver(dynamodb, hold, settle, settle, hold) == []
