from functions.workspaces.adapters.rows import COLLABORATOR, workspace_partition
from functions.workspaces.commands import create_workspace
from functions.workspaces.queries import get_workspace, list_workspaces
from shared.kernel.principals import User
from shared.persistence.rows import key_of
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.projecting import project
from tests.support.workspaces import open_workspace


def test_a_user_lists_their_own_workspaces(aws: Aws) -> None:
    first = open_workspace(aws)
    caller = Caller(aws.runtime, first.owner)
    second = caller.send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": "Second"}).json["workspace_id"]
    open_workspace(aws)
    assert caller.send(list_workspaces.ENDPOINT, "/v1/workspaces").json["items"] == [], "the read model lags"
    project(aws)
    answer = caller.send(list_workspaces.ENDPOINT, "/v1/workspaces?include_total=true")
    assert answer.json["items"] == [
        caller.send(get_workspace.ENDPOINT, f"/v1/workspaces/{one}").json for one in (second, first.workspace_id)
    ]
    assert (answer.json["total_count"], answer.json["next_cursor"]) == (2, None)
    page = caller.send(list_workspaces.ENDPOINT, "/v1/workspaces?limit=1").json
    rest = caller.send(list_workspaces.ENDPOINT, f"/v1/workspaces?limit=1&cursor={page['next_cursor']}").json
    assert [one["name"] for one in page["items"] + rest["items"]] == ["Second", "Studio"]
    stranger = Caller(aws.runtime, User(aws.ids.new(), aws.ids.new()))
    assert stranger.send(list_workspaces.ENDPOINT, "/v1/workspaces").json["items"] == []


def test_who_left_a_workspace_no_longer_lists_it(aws: Aws) -> None:
    workspace = open_workspace(aws)
    project(aws)
    aws.client("dynamodb").delete_item(
        TableName=aws.settings.table("data"),
        Key=key_of(workspace_partition(workspace.workspace_id), COLLABORATOR + workspace.owner.user_id),
    )
    answer = Caller(aws.runtime, workspace.owner).send(list_workspaces.ENDPOINT, "/v1/workspaces")
    assert (answer.status, answer.json["items"]) == (200, [])
