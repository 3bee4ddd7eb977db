"""Commands that call an outside service: their `Idempotency-Key` is claimed with a lease before they run."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import Endpoint, command
from shared.kernel.errors import Conflict
from shared.kernel.principals import Principal, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import DataRow
from shared.persistence.scope import WriteScope
from tests.faults.deposits import Deposit, Receipt, deposits
from tests.faults.stage import Stage
from tests.support.clock import FakeClock
from tests.support.faults import Crash, Fault, Network, at, no_faults
from tests.support.http import Answer, Caller

pytestmark = pytest.mark.xdist_group("faults")

ANN, BOB = User("ann", "s-1"), User("bob", "s-2")
LEASE_SECONDS = 29
"""A request without a Lambda context has 28 seconds; its lease ends a second later."""


@dataclass
class Bank:
    """An outside service that a command calls."""

    stage: Stage
    clock: FakeClock = field(default_factory=FakeClock)
    calls: list[int] = field(default_factory=list[int])
    on_call: Callable[[], None] = lambda: None
    refuses: bool = False

    @property
    def endpoint(self) -> Endpoint:
        def build(scope: WriteScope) -> Callable[[Deposit], Result[Receipt]]:
            def deposit(command: Deposit) -> Result[Receipt]:
                self.calls.append(command.amount)
                self.on_call()
                if self.refuses:
                    return Failure(Conflict("The bank refuses."))
                deposit_id = scope.runtime.ids.new()
                scope.uow.insert(DataRow(pk=f"ACCOUNT#{command.account}", sk=f"DEPOSIT#{deposit_id}"))
                return Success(Receipt(deposit_id=deposit_id))

            return deposit

        policy = Policy(idempotency=Idempotency.REQUIRED, claims_key=True)
        return command("POST", "/v1/deposits", Deposit, build, status=201, policy=policy, summary="Deposit")

    def deposit(
        self, key: str = "k", amount: int = 5, network: Network | None = None, principal: Principal = ANN
    ) -> Answer:
        caller = Caller(self.stage.runtime(network, clock=self.clock), principal)
        body = {"account": "a", "amount": amount}
        return caller.send(self.endpoint, "/v1/deposits", body, idempotency_key=key)


@pytest.fixture
def bank(stage: Stage) -> Bank:
    return Bank(stage)


def test_of_eight_parallel_requests_one_calls_the_service(bank: Bank) -> None:
    called, answered = threading.Event(), threading.Event()

    def wait_for_the_others() -> None:
        called.set()
        assert answered.wait(10)

    bank.on_call = wait_for_the_others
    with ThreadPoolExecutor(8) as pool:
        first = pool.submit(bank.deposit)
        assert called.wait(10)
        others = list(pool.map(lambda _: bank.deposit(), range(7)))
        answered.set()
        winner = first.result()
    assert winner.status == 201
    assert {(answer.status, answer.problem) for answer in others} == {(409, "request-in-progress")}
    assert all(1 <= int(answer.headers["retry-after"]) <= LEASE_SECONDS for answer in others)
    again = bank.deposit()
    assert (again.json, again.headers["idempotent-replayed"]) == (winner.json, "true")
    assert len(bank.calls) == len(deposits(bank.stage)) == 1


def test_those_who_start_at_the_same_moment_have_one_effect(bank: Bank) -> None:
    start = threading.Barrier(8)

    def deposit(_number: int) -> Answer:
        start.wait()
        return bank.deposit()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(deposit, range(8)))
    assert len(bank.calls) == len(deposits(bank.stage)) == 1
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.json["deposit_id"] for answer in answers if answer.status == 201}) == 1


def test_a_key_in_progress_is_refused_with_another_body(bank: Bank) -> None:
    answers: list[Answer] = []
    bank.on_call = lambda: answers.append(bank.deposit(amount=6))
    assert bank.deposit().status == 201
    assert [answer.problem for answer in answers] == ["idempotency-key-reused"]
    assert bank.deposit(amount=6).problem == "idempotency-key-reused"


def test_a_key_in_progress_is_its_callers_alone(bank: Bank) -> None:
    answers: list[Answer] = []

    def others() -> None:
        if len(bank.calls) == 1:
            answers.append(bank.deposit(principal=BOB))

    bank.on_call = others
    assert bank.deposit().status == 201
    assert [answer.status for answer in answers] == [201]


@pytest.mark.parametrize("fault", [Fault.CRASH_BEFORE, Fault.CRASH_AFTER])
def test_a_crash_at_any_call_is_mended_once_the_lease_is_over(bank: Bank, fault: Fault) -> None:
    untroubled = Network(no_faults, "none")
    assert bank.deposit("untroubled", network=untroubled).status == 201
    calls = len(untroubled.calls)
    assert calls == 3, "a look for an earlier answer, the claim, and the transaction"
    for number in range(1, calls + 1):
        key, before = f"{number}-{fault.name}", len(deposits(bank.stage))
        with pytest.raises(Crash):
            bank.deposit(key, network=Network(at(number, fault), key))
        done = len(deposits(bank.stage)) - before
        at_once = bank.deposit(key)
        held = (number, fault) in {(2, Fault.CRASH_AFTER), (3, Fault.CRASH_BEFORE)}
        assert at_once.status == (409 if held else 201)
        assert ("idempotent-replayed" in at_once.headers) == bool(done)
        bank.clock.advance(seconds=LEASE_SECONDS + 1)
        later = bank.deposit(key)
        assert later.status == 201
        assert len(deposits(bank.stage)) - before == 1
        assert bank.deposit(key).json == later.json


def test_a_lease_holds_until_its_end(bank: Bank) -> None:
    with pytest.raises(Crash):
        bank.deposit(network=Network(at(3, Fault.CRASH_BEFORE), 1))
    bank.clock.advance(seconds=LEASE_SECONDS - 1)
    assert bank.deposit().headers["retry-after"] == "1"
    assert bank.deposit(amount=6).problem == "idempotency-key-reused"
    bank.clock.advance(seconds=1.5)
    assert bank.deposit().status == 201


def test_who_was_too_slow_and_taken_over_has_no_effect(bank: Bank) -> None:
    answers: list[Answer] = []

    def fall_asleep() -> None:
        if len(bank.calls) == 1:
            bank.clock.advance(seconds=LEASE_SECONDS + 1)
            answers.append(bank.deposit())

    bank.on_call = fall_asleep
    slow = bank.deposit()
    assert [answer.status for answer in answers] == [201]
    assert "idempotent-replayed" not in answers[0].headers
    assert (slow.json, slow.headers["idempotent-replayed"]) == (answers[0].json, "true")
    assert len(deposits(bank.stage)) == 1


def test_a_refusal_gives_the_key_back_at_once(bank: Bank) -> None:
    bank.refuses = True
    assert bank.deposit().problem == "conflict"
    assert bank.stage.items("ephemeral") == []
    bank.refuses = False
    assert bank.deposit(amount=6).status == 201


def test_an_exception_gives_the_key_back_at_once(bank: Bank) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    bank.on_call = fail
    assert bank.deposit().problem == "internal-error"
    assert bank.stage.items("ephemeral") == []


def test_an_answer_whose_reply_was_lost_is_replayed(bank: Bank) -> None:
    # Every attempt's reply is lost, so the caller is told of an outage although the answer stands.
    def lose_the_last(call: object, _random: object) -> Fault | None:
        return Fault.REPLY_LOST if getattr(call, "number", 0) >= 3 else None

    network = Network(lose_the_last, 1)
    assert bank.deposit(network=network).status == 503
    again = bank.deposit()
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert len(deposits(bank.stage)) == len(bank.calls) == 1


def test_an_answer_expires(bank: Bank) -> None:
    bank.deposit()
    bank.clock.advance(hours=24)
    assert bank.deposit().headers["idempotent-replayed"] == "true"
    bank.clock.advance(hours=25)
    assert "idempotent-replayed" not in bank.deposit(amount=6).headers
