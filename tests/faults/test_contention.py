"""Conflicts and throttles, and many who want the same thing at once."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from functions.billing.adapters.rows import LedgerRow, ledger_partition
from functions.billing.domain.credits import InsufficientCredits
from functions.billing.public import FREE, CreditAccounts, read_pools
from shared.behaviors.transaction import Transaction
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import Runtime, WriteScope
from tests.faults import deposits
from tests.faults.stage import Stage
from tests.support.faults import Fault, Network, Plan, at_random
from tests.support.http import Answer, Caller

pytestmark = pytest.mark.xdist_group("faults")

THREADS = 48
WRITES_CONGESTED = at_random({Fault.CONFLICT: 0.15, Fault.THROTTLED: 0.15}, {"TransactWriteItems"})
READS_CONGESTED = at_random({Fault.THROTTLED: 0.3}, {"GetItem"})


@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(WRITES_CONGESTED, id="writes"),
        pytest.param(READS_CONGESTED, id="reads"),
    ],
)
def test_commands_get_through_conflicts_and_throttles(stage: Stage, seed: int, plan: Plan) -> None:
    """Three calls in ten are refused. Each command is sent once: what isn't a success by its deadline has failed."""
    commands = 1_500
    network = Network(plan, seed)
    # Every Lambda environment has its own client, and with it its own allowance of repetitions.
    runtimes = [stage.runtime(network) for _ in range(8)]
    deposits.open_account(stage, "a")

    def command(number: int) -> Answer:
        with network.story(str(number)):
            body = {"account": "a", "amount": 1}
            return Caller(runtimes[number % 8], User("u", "s")).send(
                deposits.ENDPOINT, "/v1/deposits", body, idempotency_key=f"key-{number}"
            )

    with ThreadPoolExecutor(THREADS) as pool:
        statuses = Counter(answer.status for answer in pool.map(command, range(commands)))
    untroubled_calls = 2 * commands
    print(dict(statuses), f"{len(network.calls) / untroubled_calls:.2f} times the calls")
    assert statuses[201] >= 0.999 * commands
    assert len(network.calls) <= 4 * untroubled_calls
    assert statuses[201] == len(deposits.deposits(stage)) == len(stage.items("outbox")) == deposits.total(stage, "a")


def test_a_service_without_capacity_is_unavailable_and_no_bug(stage: Stage) -> None:
    network = Network(at_random({Fault.THROTTLED: 1.0}), "none")
    body = {"account": "a", "amount": 1}
    answer = Caller(stage.runtime(network), User("u", "s")).send(
        deposits.ENDPOINT, "/v1/deposits", body, idempotency_key="key"
    )
    assert (answer.status, answer.problem) == (503, "dependency-unavailable")


def test_parallel_requests_under_one_key_have_one_effect_and_one_answer(stage: Stage, seed: int) -> None:
    deposits.open_account(stage, "a")
    network = Network(at_random({Fault.DELAYED: 0.5, Fault.REPLY_LOST: 0.1, Fault.CONFLICT: 0.2}), seed)
    runtimes = [stage.runtime(network) for _ in range(4)]

    def request(number: int) -> Answer:
        with network.story(str(number)):
            body = {"account": "a", "amount": 1}
            return Caller(runtimes[number % 4], User("u", "s")).send(
                deposits.ENDPOINT, "/v1/deposits", body, idempotency_key=f"key-{number // 40}"
            )

    with ThreadPoolExecutor(40) as pool:
        answers = list(pool.map(request, range(400)))
    assert {answer.status for answer in answers} <= {201, 503}
    given = [
        {answer.json["deposit_id"] for answer in answers[at : at + 40] if answer.status == 201}
        for at in range(0, 400, 40)
    ]
    found = deposits.deposits(stage)
    assert sorted(one for ids in given for one in ids) == sorted(found)
    assert len(found) == deposits.total(stage, "a") == len(stage.items("outbox")) == 10
    told = [answer for answer in answers if answer.status == 201 and "idempotent-replayed" not in answer.headers]
    assert len(told) <= 10, "all others are told that theirs is a replay"


class Spend(Command[None]):
    """Any command that moves credits in its own transaction."""


def run(runtime: Runtime, act: Callable[[CreditAccounts], Result[None]]) -> Result[None]:
    now = runtime.clock.now()
    context = Context(
        message_id=runtime.ids.new(), correlation_id="c", received_at=now, deadline=now + timedelta(seconds=25)
    )
    transaction = Transaction(
        runtime.begin, lambda _message, context, uow: act(CreditAccounts(WriteScope(runtime, context, uow=uow)))
    )
    return transaction(Spend(), context)


def open_credits(runtime: Runtime, workspace_id: str) -> Result[None]:
    def opened(accounts: CreditAccounts) -> Result[None]:
        accounts.open(workspace_id, FREE)
        return Success(None)

    return run(runtime, opened)


def test_parallel_spending_on_one_pool_never_overdraws_and_loses_nothing(stage: Stage, seed: int) -> None:
    # Delayed between the decision and its transaction, so that many decide on the same last credits.
    network = Network(at_random({Fault.CONFLICT: 0.2, Fault.DELAYED: 0.7}, {"TransactWriteItems"}), seed)
    runtimes = [stage.runtime(network) for _ in range(4)]
    assert open_credits(runtimes[0], "w") == Success(None)

    def spend(number: int) -> tuple[int, Result[None]]:
        runtime, amount = runtimes[number % 4], 1 + number % 3
        with network.story(str(number)):
            if number % 2:
                deducted = run(runtime, lambda mine: mine.deduct("w", "conversation", amount, f"u-{number}", "r"))
                return amount, deducted
            held = run(runtime, lambda mine: mine.hold("w", f"h-{number}", {"conversation": amount}, "r"))
            if isinstance(held, Success):
                assert run(runtime, lambda mine: mine.settle("w", f"h-{number}", {"conversation": amount - 1})) == held
            return amount - 1, held

    with ThreadPoolExecutor(32) as pool:
        outcomes = list(pool.map(spend, range(120)))
    refused = [result.error for _, result in outcomes if isinstance(result, Failure)]
    assert refused
    assert all(isinstance(error, InsufficientCredits) for error in refused)
    spent = sum(amount for amount, result in outcomes if isinstance(result, Success))
    pool_after = read_pools(stage.runtime().store, "w")["conversation"]
    assert (pool_after.balance, pool_after.held) == (50 - spent, 0)
    assert pool_after.balance >= 0
    ledger = [
        row for row in stage.runtime().store.all(LedgerRow, ledger_partition("w")) if row.feature_code == "conversation"
    ]
    assert sum(row.balance_change for row in ledger) == pool_after.balance
    assert sum(row.held_change for row in ledger) == 0
    consumed = [event.data["amount"] for event in stage.events("CreditConsumed")]
    assert sum(consumed) == spent
