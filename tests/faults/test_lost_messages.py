"""Requests and replies get lost; who sent one can't tell which, and repeats it."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from botocore.exceptions import BotoCoreError

from shared.cqrs.pipeline import Context
from shared.kernel.clock import SystemClock
from shared.kernel.principals import User
from shared.persistence.rows import EphemeralRow
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import Refused, StaleRead, UnitOfWork
from tests.faults import deposits
from tests.faults.deposits import AccountRow
from tests.faults.stage import Stage
from tests.support.faults import Fault, Network, at, at_random
from tests.support.http import Caller

pytestmark = pytest.mark.xdist_group("faults")

LOSSES = {Fault.REQUEST_LOST: 0.15, Fault.REPLY_LOST: 0.15}
TOKEN_SECONDS = 600
THREADS = 32


def in_parallel(work: Callable[[int], object], numbers: Iterable[int]) -> None:
    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(work, numbers):
            pass


def test_3000_retried_commands_have_exactly_3000_effects(stage: Stage, seed: int) -> None:
    """Lost between the function and DynamoDB, where botocore repeats, and between client and API, where clients do."""
    network = Network(at_random(LOSSES), seed)
    runtime = stage.runtime(network)
    # Threads on one account would only show how the emulator orders them.
    for account in range(8):
        deposits.open_account(stage, str(account))
    user = User("u", "s")
    answered: dict[int, set[str]] = {}

    def command(number: int) -> None:
        losses = Random(f"{seed}/{number}")
        ids = answered.setdefault(number, set())
        with network.story(str(number)):
            for _ in range(100):
                body = {"account": str(number % 8), "amount": 1}
                answer = Caller(runtime, user).send(
                    deposits.ENDPOINT, "/v1/deposits", body, idempotency_key=f"key-{number}"
                )
                assert answer.status in (201, 503), answer
                if answer.status == 201:
                    ids.add(answer.json["deposit_id"])
                    if losses.random() > LOSSES[Fault.REPLY_LOST]:
                        return
        raise AssertionError(f"command {number} never came through")

    in_parallel(command, range(3_000))
    network.settle()
    found = deposits.deposits(stage)
    assert len(found) == 3_000
    assert sum(deposits.total(stage, str(account)) for account in range(8)) == 3_000
    assert sorted(event.data["deposit_id"] for event in stage.events()) == sorted(found)
    assert {frozenset(ids) for ids in answered.values()} == {frozenset({one}) for one in found}, "one answer each"
    assert network.faults(Fault.REPLY_LOST) > 500


def test_what_arrives_late_or_twice_has_no_second_effect(stage: Stage, seed: int) -> None:
    late = {Fault.REQUEST_LATE: 0.2, Fault.ARRIVES_TWICE: 0.2, Fault.DELAYED: 0.1}
    network = Network(at_random(late), seed)
    runtime = stage.runtime(network)
    deposits.open_account(stage, "a")

    def command(number: int) -> None:
        with network.story(str(number)):
            for _ in range(100):
                body = {"account": "a", "amount": 1}
                answer = Caller(runtime, User("u", "s")).send(
                    deposits.ENDPOINT, "/v1/deposits", body, idempotency_key=f"key-{number}"
                )
                if answer.status == 201:
                    return

    in_parallel(command, range(300))
    network.settle()
    assert len(deposits.deposits(stage)) == len(stage.items("outbox")) == deposits.total(stage, "a") == 300


class SeenRow(EphemeralRow):
    """What an inbox or idempotency row is to a transaction."""


class Increments:
    """Plain increments through a unit of work: nothing in the change itself shows that it was made before."""

    def __init__(self, stage: Stage, runtime: Runtime, *, dedup: bool) -> None:
        self._runtime = runtime
        self._dedup = dedup
        deposits.open_account(stage, "a")

    def __call__(self, message_id: str, key: str) -> bool:
        """Whether the caller learnt that the increment was made."""
        clock = SystemClock()
        now = clock.now()
        context = Context(
            message_id=message_id, correlation_id="c", received_at=now, deadline=now + timedelta(seconds=20)
        )
        uow = UnitOfWork(self._runtime.store, context, clock, self._runtime.ids)
        uow.update(AccountRow, "ACCOUNT#a", "ACCOUNT", [AccountRow.total.add(1)])
        if self._dedup:
            uow.insert(SeenRow(pk=key, sk="SEEN", expires_at=0))
        try:
            uow.commit()
        except BotoCoreError:
            return False
        except (Refused, StaleRead):
            return True
        return True


def test_control_random_tokens_without_the_dedup_item_make_ghosts(stage: Stage, seed: int) -> None:
    network = Network(at_random(LOSSES), seed)
    runtime = stage.runtime(network)
    increment = Increments(stage, runtime, dedup=False)

    def command(number: int) -> None:
        with network.story(str(number)):
            while not increment(runtime.ids.new(), str(number)):
                pass

    in_parallel(command, range(1_000))
    assert deposits.total(stage, "a") > 1_000


def test_control_the_same_token_without_the_dedup_item_holds_for_ten_minutes_only(stage: Stage) -> None:
    network = Network(at(1, Fault.REPLY_LOST), "none")
    # Without botocore's own repetitions, so that the sender is the one who repeats.
    lossy = network.attach(stage.emulator.connect("dynamodb", attempts=1))
    for dedup, ghosts in ((False, 30), (True, 0)):
        increment = Increments(stage, stage.runtime(), dedup=dedup)
        in_vain = Increments(stage, stage.runtime(clients={"dynamodb": lossy}), dedup=dedup)
        messages = [f"{dedup}-{number}" for number in range(30)]
        for message in messages:
            with network.story(message):
                assert not in_vain(message, message), "the reply is lost"
        assert deposits.total(stage, "a") == 30
        assert all(increment(message, message) for message in messages)
        assert deposits.total(stage, "a") == 30, "within ten minutes the token alone is enough"
        stage.emulator.let_pass(TOKEN_SECONDS + 1)
        assert all(increment(message, message) for message in messages)
        assert deposits.total(stage, "a") == 30 + ghosts
