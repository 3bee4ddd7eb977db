from functions.identity.commands import create_api_key, revoke_api_key
from functions.operations.queries import list_audit_entries
from functions.workspaces.domain.roles import Role
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.workspaces import OwnedWorkspace, collaborate, open_workspace


def search(aws: Aws, workspace: OwnedWorkspace, query: str = "", by: Caller | None = None) -> Answer:
    caller = by or Caller(aws.runtime, workspace.owner)
    return caller.send(list_audit_entries.ENDPOINT, f"{workspace.path}/audit{query}")


def make_key(aws: Aws, workspace: OwnedWorkspace, by: Caller | None = None, scope: str = "videos:read") -> Answer:
    caller = by or Caller(aws.runtime, workspace.owner)
    body = {"name": "CI", "scopes": [scope]}
    return caller.send(create_api_key.ENDPOINT, f"{workspace.path}/api-keys", body)


def told(answer: Answer) -> list[tuple[str, str]]:
    assert answer.status == 200, answer
    return [(one["action"], one["state"]) for one in answer.json["items"]]


def test_attempts_and_their_ends_are_told_newest_first(aws: Aws) -> None:
    workspace = open_workspace(aws)
    key = make_key(aws, workspace)
    aws.clock.advance(seconds=1)
    path = f"{workspace.path}/api-keys/{key.json['api_key_id']}"
    Caller(aws.runtime, workspace.owner).send(revoke_api_key.ENDPOINT, path)
    aws.clock.advance(seconds=1)
    Caller(aws.runtime, workspace.owner).send(revoke_api_key.ENDPOINT, path)
    answer = search(aws, workspace)
    assert told(answer) == [
        ("RevokeApiKey", "failed"),
        ("RevokeApiKey", "attempted"),
        ("RevokeApiKey", "succeeded"),
        ("RevokeApiKey", "attempted"),
        ("CreateApiKey", "succeeded"),
        ("CreateApiKey", "attempted"),
    ]
    failed, attempted = answer.json["items"][:2]
    assert failed["attempt_id"] == attempted["attempt_id"]
    assert failed["error"] == "not-found"
    assert failed["target"] == {"workspace_id": workspace.workspace_id, "api_key_id": key.json["api_key_id"]}


def test_entries_are_found_by_who_and_what(aws: Aws) -> None:
    workspace = open_workspace(aws)
    editor = collaborate(aws, workspace, Role.EDITOR)
    colleague = Caller(aws.runtime, editor)
    made = make_key(aws, workspace, colleague)
    make_key(aws, workspace, colleague, scope="workspace:write")
    make_key(aws, workspace)
    mine = search(aws, workspace, f"?actor=user:{editor.user_id}&action=CreateApiKey")
    assert told(mine) == [
        ("CreateApiKey", "denied"),
        ("CreateApiKey", "succeeded"),
        ("CreateApiKey", "attempted"),
    ]
    assert {one["actor"] for one in mine.json["items"]} == {f"user:{editor.user_id}"}
    assert told(search(aws, workspace, "?action=Nothing")) == []
    assert made.json["secret"] not in str(mine.json)


def test_pages_tell_every_entry_once(aws: Aws) -> None:
    workspace = open_workspace(aws)
    editor = collaborate(aws, workspace, Role.EDITOR)
    for number in range(6):
        make_key(aws, workspace, Caller(aws.runtime, editor if number % 2 else workspace.owner))
        aws.clock.advance(seconds=1)
    for query, entries in (("?", 12), (f"?actor=user:{editor.user_id}&", 6)):
        seen: list[tuple[str, str]] = []
        cursor: str | None = ""
        while cursor is not None:
            page = search(aws, workspace, f"{query}limit=5{f'&cursor={cursor}' if cursor else ''}").json
            seen += [(one["attempt_id"], one["state"]) for one in page["items"]]
            cursor = page["next_cursor"]
        assert len(seen) == len(set(seen)) == entries
    first = search(aws, workspace, "?limit=5").json["next_cursor"]
    assert search(aws, workspace, f"?limit=5&action=CreateApiKey&cursor={first}").problem == "malformed-request"
    assert search(aws, open_workspace(aws), f"?limit=5&cursor={first}").problem == "malformed-request"


def test_the_trail_is_for_who_runs_the_workspace(aws: Aws) -> None:
    workspace, other = open_workspace(aws), open_workspace(aws)
    make_key(aws, workspace)
    by_role = {
        role: search(aws, workspace, by=Caller(aws.runtime, collaborate(aws, workspace, role))).status for role in Role
    }
    assert by_role == {Role.VIEWER: 403, Role.EDITOR: 403, Role.ADMIN: 200, Role.OWNER: 200}
    assert search(aws, workspace, by=Caller(aws.runtime, other.owner)).problem == "not-found"
    assert told(search(aws, other)) == []
