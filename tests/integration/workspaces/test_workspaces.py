from functions.billing.public import FREE
from functions.billing.queries import get_credit_balances
from functions.workspaces.commands import create_workspace
from functions.workspaces.queries import get_workspace
from shared.kernel.principals import Anonymous, User
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.workspaces import open_workspace


def test_a_workspace_starts_free_with_its_allowances_in_one_transaction(aws: Aws) -> None:
    workspace = open_workspace(aws)
    owner = Caller(aws.runtime, workspace.owner)
    shown = owner.send(get_workspace.ENDPOINT, workspace.path)
    assert (shown.json["tier"], shown.json["role"], shown.json["name"]) == ("free", "owner", "Studio")
    credits = owner.send(get_credit_balances.ENDPOINT, f"{workspace.path}/credits").json["items"]
    assert {one["feature_code"]: one["balance"] for one in credits} == {
        str(code): amount for code, amount in FREE.allowances.items()
    }
    assert {(one["held"], one["resets_at"]) for one in credits} == {(0, "2026-04-01T00:00:00.000Z")}
    assert len(aws.items("outbox")) == 1
    assert [event.detail_type for event in aws.events()] == ["AllowancesGranted", "WorkspaceCreated"]


def test_another_workspace_is_the_same_as_none(aws: Aws) -> None:
    workspace = open_workspace(aws)
    stranger = Caller(aws.runtime, User(aws.ids.new(), aws.ids.new()))
    for endpoint, tail in ((get_workspace.ENDPOINT, ""), (get_credit_balances.ENDPOINT, "/credits")):
        foreign = stranger.send(endpoint, workspace.path + tail)
        missing = stranger.send(endpoint, f"/v1/workspaces/{aws.ids.new()}{tail}")
        garbled = stranger.send(endpoint, f"/v1/workspaces/nonsense{tail}")
        for answer in (foreign, missing, garbled):
            assert (answer.status, answer.json["detail"]) == (404, "There is no such resource.")
        anonymous = Caller(aws.runtime, Anonymous()).send(endpoint, workspace.path + tail)
        assert anonymous.status == 401


def test_a_user_owns_a_bounded_number_of_free_workspaces(aws: Aws) -> None:
    owner = open_workspace(aws).owner
    caller = Caller(aws.runtime, owner)
    answers = [caller.send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": "W"}).status for _ in range(3)]
    assert answers == [201, 201, 409]
    open_workspace(aws)
