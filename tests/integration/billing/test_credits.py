from collections.abc import Callable

import pytest

from functions.billing.public import CreditAccounts, InsufficientCredits, read_pools
from functions.billing.queries import get_ledger
from shared.behaviors.transaction import Transaction
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context
from shared.kernel.errors import Conflict
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.workspaces import OwnedWorkspace, open_workspace


class Spend(Command[None]):
    """Any command of another context that moves credits in its own transaction."""


@pytest.fixture
def workspace(aws: Aws) -> OwnedWorkspace:
    return open_workspace(aws)


def run(aws: Aws, act: Callable[[CreditAccounts], Result[None]]) -> Result[None]:
    context = Context(
        message_id=aws.ids.new(), correlation_id="c", received_at=aws.clock.now(), deadline=aws.clock.now()
    )
    runtime = aws.runtime

    transaction = Transaction(
        runtime.begin,
        lambda _message, context, uow: act(CreditAccounts(WriteScope(runtime, context, uow=uow))),
        sleep=lambda _: None,
    )
    return transaction(Spend(), context)


def balance(aws: Aws, workspace: OwnedWorkspace, feature_code: str) -> tuple[int, int]:
    pool = read_pools(aws.runtime.store, workspace.workspace_id)[feature_code]
    return pool.balance, pool.held


def test_a_hold_is_settled_with_what_the_work_cost(aws: Aws, workspace: OwnedWorkspace) -> None:
    ws = workspace.workspace_id
    amounts = {"transcription": 3, "video_analysis": 2}
    assert run(aws, lambda accounts: accounts.hold(ws, "h-1", amounts, "analysis")) == Success(None)
    assert balance(aws, workspace, "transcription") == (57, 3)
    settled = run(aws, lambda accounts: accounts.settle(ws, "h-1", {"transcription": 1, "video_analysis": 2}))
    assert settled == Success(None)
    assert balance(aws, workspace, "transcription") == (59, 0)
    assert balance(aws, workspace, "video_analysis") == (58, 0)
    consumed = {event.data["feature_code"]: event.data["amount"] for event in aws.events("CreditConsumed")}
    assert consumed == {"transcription": 1, "video_analysis": 2}
    (released,) = aws.events("CreditsReleased")
    assert released.data["amounts"] == {"transcription": 2}


def test_a_hold_ends_once(aws: Aws, workspace: OwnedWorkspace) -> None:
    ws = workspace.workspace_id
    run(aws, lambda accounts: accounts.hold(ws, "h-1", {"transcription": 3}, "analysis"))
    assert run(aws, lambda accounts: accounts.settle(ws, "h-1", {})) == Success(None)
    for charges in ({}, {"transcription": 1}):
        again = run(aws, lambda accounts, charges=charges: accounts.settle(ws, "h-1", charges))  # type: ignore[misc]
        assert again == Failure(Conflict("These credits were released before."))
    assert balance(aws, workspace, "transcription") == (60, 0)
    assert len(aws.events("CreditsReleased")) == 1


def test_a_short_balance_moves_nothing(aws: Aws, workspace: OwnedWorkspace) -> None:
    ws, before = workspace.workspace_id, aws.items("data")
    refused = run(aws, lambda accounts: accounts.hold(ws, "h-1", {"transcription": 1, "conversation": 51}, "r"))
    assert refused == Failure(InsufficientCredits("conversation", required=51, available=50))
    assert aws.items("data") == before


def test_a_race_for_the_last_credits_has_one_winner(aws: Aws, workspace: OwnedWorkspace) -> None:
    """The loser decided on a balance that the winner spent meanwhile: it decides anew, and is refused."""
    ws = workspace.workspace_id
    raced = False

    def lose(accounts: CreditAccounts) -> Result[None]:
        nonlocal raced
        decided = accounts.deduct(ws, "conversation", 40, "loser", "r")
        if not raced:
            raced = True
            assert run(aws, lambda winner: winner.deduct(ws, "conversation", 40, "winner", "r")) == Success(None)
        return decided

    assert run(aws, lose) == Failure(InsufficientCredits("conversation", required=40, available=10))
    assert balance(aws, workspace, "conversation") == (10, 0)
    assert [event.data["usage_id"] for event in aws.events("CreditConsumed")] == ["winner"]


def test_the_ledger_adds_up_to_the_pools_and_is_walked_page_by_page(aws: Aws, workspace: OwnedWorkspace) -> None:
    ws = workspace.workspace_id
    run(aws, lambda accounts: accounts.hold(ws, "h-1", {"transcription": 3}, "analysis"))
    run(aws, lambda accounts: accounts.settle(ws, "h-1", {"transcription": 2}))
    run(aws, lambda accounts: accounts.deduct(ws, "conversation", 1, "u-1", "question"))
    caller, path = Caller(aws.runtime, workspace.owner), f"{workspace.path}/ledger"
    entries, cursor = [], ""
    while True:
        page = caller.send(get_ledger.ENDPOINT, f"{path}?limit=4{cursor}").json
        entries += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert [entry["kind"] for entry in entries[:4]] == ["deduction", "release", "settlement", "hold"]
    assert len({entry["entry_id"] for entry in entries}) == len(entries) == 10
    for feature_code, pool in read_pools(aws.runtime.store, ws).items():
        own = [entry for entry in entries if entry["feature_code"] == feature_code]
        assert sum(entry["balance_change"] for entry in own) == pool.balance
        assert sum(entry["held_change"] for entry in own) == pool.held


def test_a_foreign_cursor_is_refused(aws: Aws, workspace: OwnedWorkspace) -> None:
    other = open_workspace(aws)
    page = Caller(aws.runtime, other.owner).send(get_ledger.ENDPOINT, f"{other.path}/ledger?limit=1").json
    refused = Caller(aws.runtime, workspace.owner).send(
        get_ledger.ENDPOINT, f"{workspace.path}/ledger?cursor={page['next_cursor']}"
    )
    assert (refused.status, refused.problem) == (400, "malformed-request")


def test_the_ledger_is_not_for_strangers(aws: Aws, workspace: OwnedWorkspace) -> None:
    stranger = Caller(aws.runtime, User(aws.ids.new(), aws.ids.new()))
    assert stranger.send(get_ledger.ENDPOINT, f"{workspace.path}/ledger").status == 404
