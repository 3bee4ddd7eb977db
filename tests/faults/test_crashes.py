"""A process may end at any of its calls, before or after the call is carried out."""

import uuid

import pytest

from functions.workspaces.commands import create_workspace
from shared.http.endpoint import Endpoint
from shared.kernel.principals import User
from tests.faults import deposits
from tests.faults.stage import Stage
from tests.support.faults import Crash, Fault, Network, at, no_faults
from tests.support.http import Answer, Caller

pytestmark = pytest.mark.xdist_group("faults")

COMMANDS: dict[str, tuple[Endpoint, str, object]] = {
    "deposit": (deposits.ENDPOINT, "/v1/deposits", {"account": "a", "amount": 5}),
    "create workspace": (create_workspace.ENDPOINT, "/v1/workspaces", {"name": "Studio"}),
}


def send(stage: Stage, network: Network, name: str, key: str) -> Answer:
    """A request to a process that has just started. Each key has its own user: one may own a few workspaces only."""
    endpoint, path, body = COMMANDS[name]
    user = User(str(uuid.uuid5(uuid.NAMESPACE_OID, key)), "a session")
    return Caller(stage.runtime(network), user).send(endpoint, path, body, idempotency_key=key)


def effects(stage: Stage, name: str) -> int:
    """How often the command has been carried out; fails where a part of it stands without the others."""
    if name == "deposit":
        rows, events = len(deposits.deposits(stage)), len(stage.events("Deposited"))
    else:
        rows = sum(item["sk"]["S"] == "WORKSPACE" for item in stage.items("data"))
        events = len(stage.events("WorkspaceCreated"))
    records = sum(item["sk"]["S"] == "IDEMPOTENCY" for item in stage.items("ephemeral"))
    assert rows == events == records, "half a command"
    return rows


@pytest.mark.parametrize("name", COMMANDS)
def test_a_crash_at_any_call_leaves_all_or_nothing_and_a_retry_completes_it_once(stage: Stage, name: str) -> None:
    deposits.open_account(stage, "a")
    untroubled = Network(no_faults, "none")
    assert send(stage, untroubled, name, "untroubled").status == 201
    calls = len(untroubled.calls)
    assert calls >= 2, "a look for an earlier answer, and the transaction"
    done = 1
    for number in range(1, calls + 1):
        for fault in (Fault.CRASH_BEFORE, Fault.CRASH_AFTER):
            key, before = f"{number}-{fault.name}", effects(stage, name)
            with pytest.raises(Crash):
                send(stage, Network(at(number, fault), key), name, key)
            assert effects(stage, name) - before in (0, 1)
            retried, again = (send(stage, untroubled, name, key) for _ in range(2))
            assert (retried.status, again.status) == (201, 201)
            assert retried.json == again.json
            done += 1
            assert effects(stage, name) == done
    if name == "deposit":
        assert deposits.total(stage, "a") == 5 * done
