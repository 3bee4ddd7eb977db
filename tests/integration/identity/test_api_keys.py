import json
import re
from typing import Any

import pytest

from functions.billing.queries import get_credit_balances
from functions.identity.authorizer import Authorizer
from functions.identity.commands import create_api_key, revoke_api_key, rotate_api_key
from functions.identity.queries import get_api_key, get_user, list_api_keys
from functions.workspaces.adapters.rows import COLLABORATOR, workspace_partition
from functions.workspaces.commands import create_workspace
from functions.workspaces.domain.roles import Role
from functions.workspaces.queries import get_workspace
from shared.http.entry import _read_principal
from shared.kernel.principals import Anonymous, ApiKey, Principal
from shared.observability.logger import REDACTED, redact
from shared.persistence.rows import key_of
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.workspaces import OwnedWorkspace, collaborate, open_workspace


@pytest.fixture
def workspace(aws: Aws) -> OwnedWorkspace:
    return open_workspace(aws)


def create(aws: Aws, workspace: OwnedWorkspace, *scopes: str, by: Principal | None = None, **fields: Any) -> Answer:
    body = {"name": "CI", "scopes": scopes or ["workspace:read"], **fields}
    caller = Caller(aws.runtime, by or workspace.owner)
    return caller.send(create_api_key.ENDPOINT, f"{workspace.path}/api-keys", body)


def rotate(aws: Aws, workspace: OwnedWorkspace, key: Answer, by: Principal | None = None) -> Answer:
    path = f"{workspace.path}/api-keys/{key.json['api_key_id']}/rotate"
    return Caller(aws.runtime, by or workspace.owner).send(rotate_api_key.ENDPOINT, path)


def revoke(aws: Aws, workspace: OwnedWorkspace, key: Answer, by: Principal | None = None) -> Answer:
    path = f"{workspace.path}/api-keys/{key.json['api_key_id']}"
    return Caller(aws.runtime, by or workspace.owner).send(revoke_api_key.ENDPOINT, path)


def resolve(aws: Aws, secret: str, **more: str) -> Principal:
    """Who the authorizer says is calling, as the functions behind it read it."""
    answer = Authorizer(aws.runtime)({"headers": {"x-api-key": secret, **more}})
    return _read_principal({"requestContext": {"authorizer": {"lambda": json.loads(json.dumps(answer["context"]))}}})


def caller(aws: Aws, key: Answer) -> Caller:
    return Caller(aws.runtime, resolve(aws, key.json["secret"]))


def test_a_key_does_in_its_workspace_what_its_scopes_name(aws: Aws, workspace: OwnedWorkspace) -> None:
    key = create(aws, workspace, "workspace:read")
    assert (key.status, key.json["active"], key.json["issued_by"]) == (201, True, workspace.owner.user_id)
    software = caller(aws, key)
    shown = software.send(get_workspace.ENDPOINT, workspace.path)
    assert (shown.status, shown.json["role"]) == (200, "owner")
    refused = software.send(get_credit_balances.ENDPOINT, f"{workspace.path}/credits")
    assert (refused.status, refused.json["detail"]) == (403, "This API key lacks the scope credits:read.")


def test_a_key_is_good_in_no_other_workspace(aws: Aws, workspace: OwnedWorkspace) -> None:
    other = open_workspace(aws)
    collaborate(aws, other, Role.OWNER, workspace.owner)
    software = caller(aws, create(aws, workspace))
    foreign = software.send(get_workspace.ENDPOINT, other.path)
    missing = software.send(get_workspace.ENDPOINT, f"/v1/workspaces/{aws.ids.new()}")
    assert foreign.status == missing.status == 404
    assert {**foreign.json, "instance": "", "trace_id": ""} == {**missing.json, "instance": "", "trace_id": ""}


def test_a_key_is_no_person(aws: Aws, workspace: OwnedWorkspace) -> None:
    software = caller(aws, create(aws, workspace))
    assert software.send(get_user.ENDPOINT, "/v1/users/me").problem == "forbidden"
    assert software.send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": "Mine"}).problem == "forbidden"


def test_a_key_makes_no_keys(aws: Aws, workspace: OwnedWorkspace) -> None:
    refused = create(aws, workspace, "workspace:read", "api-keys:write")
    assert [(one["pointer"], one["code"]) for one in refused.json["errors"]] == [("/scopes/1", "unknown-scope")]
    key = create(aws, workspace)
    principal = resolve(aws, key.json["secret"])
    assert create(aws, workspace, by=principal).problem == "forbidden"
    assert rotate(aws, workspace, key, by=principal).problem == "forbidden"
    assert revoke(aws, workspace, key, by=principal).problem == "forbidden"


def test_nobody_gives_a_key_more_than_they_have(aws: Aws, workspace: OwnedWorkspace) -> None:
    admin, editor = collaborate(aws, workspace, Role.ADMIN), collaborate(aws, workspace, Role.EDITOR)
    assert create(aws, workspace, "ledger:read", by=admin).status == 201
    assert create(aws, workspace, "videos:write", by=editor).status == 201
    refused = create(aws, workspace, "videos:write", "ledger:read", "workspace:write", by=editor)
    assert (refused.status, refused.json["detail"]) == (
        403,
        "Your role in this workspace lacks ledger:read, workspace:write.",
    )
    assert create(aws, workspace, by=collaborate(aws, workspace, Role.VIEWER)).problem == "forbidden"


def test_a_key_can_do_no_more_than_its_issuer_can_do_now(aws: Aws, workspace: OwnedWorkspace) -> None:
    admin = collaborate(aws, workspace, Role.ADMIN)
    key = create(aws, workspace, "workspace:read", "ledger:read", by=admin)
    software = caller(aws, key)
    collaborate(aws, workspace, Role.VIEWER, admin)
    assert software.send(get_workspace.ENDPOINT, workspace.path).json["role"] == "viewer"
    again = rotate(aws, workspace, key)
    assert again.json["issued_by"] == workspace.owner.user_id, "a key outlives its issuer when another takes it over"
    assert caller(aws, again).send(get_workspace.ENDPOINT, workspace.path).json["role"] == "owner"


def test_a_key_whose_issuer_left_sees_nothing(aws: Aws, workspace: OwnedWorkspace) -> None:
    admin = collaborate(aws, workspace, Role.ADMIN)
    software = caller(aws, create(aws, workspace, by=admin))
    key = key_of(workspace_partition(workspace.workspace_id), COLLABORATOR + admin.user_id)
    aws.client("dynamodb").delete_item(TableName=aws.settings.table("data"), Key=key)
    assert software.send(get_workspace.ENDPOINT, workspace.path).problem == "not-found"


def test_a_rotated_secret_replaces_the_one_before_at_once(aws: Aws, workspace: OwnedWorkspace) -> None:
    first = create(aws, workspace)
    second = rotate(aws, workspace, first)
    assert (second.status, second.json["api_key_id"]) == (200, first.json["api_key_id"])
    assert isinstance(resolve(aws, first.json["secret"]), Anonymous)
    assert isinstance(resolve(aws, second.json["secret"]), ApiKey)


def test_a_rotation_gives_nobody_a_key_to_more_than_they_have(aws: Aws, workspace: OwnedWorkspace) -> None:
    admin = collaborate(aws, workspace, Role.ADMIN)
    key = create(aws, workspace, "ledger:read", by=admin)
    collaborate(aws, workspace, Role.EDITOR, admin)
    assert rotate(aws, workspace, key, by=admin).problem == "forbidden"
    assert isinstance(resolve(aws, key.json["secret"]), ApiKey)
    assert revoke(aws, workspace, key, by=admin).status == 204


def test_a_key_of_somebody_else_is_changed_by_who_runs_the_workspace(aws: Aws, workspace: OwnedWorkspace) -> None:
    editor, admin = collaborate(aws, workspace, Role.EDITOR), collaborate(aws, workspace, Role.ADMIN)
    key = create(aws, workspace)
    assert rotate(aws, workspace, key, by=editor).problem == "forbidden"
    assert revoke(aws, workspace, key, by=editor).problem == "forbidden"
    assert revoke(aws, workspace, key, by=admin).status == 204


def test_a_revoked_key_is_over_at_once(aws: Aws, workspace: OwnedWorkspace) -> None:
    key = create(aws, workspace)
    assert revoke(aws, workspace, key).status == 204
    assert resolve(aws, key.json["secret"]) == Anonymous("The API key is unknown, revoked or expired.")
    assert revoke(aws, workspace, key).problem == "not-found"
    assert rotate(aws, workspace, key).problem == "not-found"


def test_a_key_expires(aws: Aws, workspace: OwnedWorkspace) -> None:
    key = create(aws, workspace, expires_at="2026-03-01T13:00:00+00:00")
    assert isinstance(resolve(aws, key.json["secret"]), ApiKey)
    aws.clock.advance(hours=1)
    assert isinstance(resolve(aws, key.json["secret"]), Anonymous)
    assert rotate(aws, workspace, key).problem == "conflict"
    shown = Caller(aws.runtime, workspace.owner).send(get_api_key.ENDPOINT, key.headers["location"])
    assert shown.json["active"] is False


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"expires_at": "2026-03-01T12:00:00Z"}, "/expires_at"),
        ({"expires_at": "2026-04-01T12:00:00"}, "/expires_at"),
        ({"expires_at": 1}, "/expires_at"),
        ({"scopes": []}, "/scopes"),
        ({"scopes": ["workspace:read", "workspace:read"]}, "/scopes/1"),
        ({"scopes": ["workspace:own"]}, "/scopes/0"),
        ({"name": " "}, "/name"),
    ],
)
def test_bad_fields_are_told_by_name(aws: Aws, workspace: OwnedWorkspace, fields: dict[str, Any], pointer: str) -> None:
    refused = create(aws, workspace, **fields)
    assert (refused.status, [one["pointer"] for one in refused.json["errors"]]) == (422, [pointer])


def test_what_is_no_secret_of_ours_resolves_to_nobody(aws: Aws, workspace: OwnedWorkspace) -> None:
    good = create(aws, workspace).json["secret"]
    other_random = good[:-1] + ("A" if good[-1] != "A" else "Q")
    for bad in ("", "x", "vsk_", "vsk_ü", good[:-1], good + "AAAA", good.removeprefix("vsk_"), other_random):
        assert isinstance(resolve(aws, bad), Anonymous), bad
    assert isinstance(resolve(aws, f" {good} "), ApiKey)
    both = resolve(aws, good, authorization="Bearer a.b.c")
    assert isinstance(both, Anonymous), "two credentials leave open who is calling"


def test_the_keys_of_a_workspace_are_listed_without_their_secrets(aws: Aws, workspace: OwnedWorkspace) -> None:
    keys = [create(aws, workspace, name=f"key {number}") for number in range(3)]
    create(aws, open_workspace(aws))
    owner = Caller(aws.runtime, workspace.owner)
    first = owner.send(list_api_keys.ENDPOINT, f"{workspace.path}/api-keys?limit=2&include_total=true").json
    assert ([one["name"] for one in first["items"]], first["total_count"]) == (["key 2", "key 1"], 3)
    following = owner.send(list_api_keys.ENDPOINT, f"{workspace.path}/api-keys?limit=2&cursor={first['next_cursor']}")
    assert [one["name"] for one in following.json["items"]] == ["key 0"]
    one = owner.send(get_api_key.ENDPOINT, keys[0].headers["location"])
    assert one.json == following.json["items"][0] == {k: v for k, v in keys[0].json.items() if k != "secret"}
    viewer = Caller(aws.runtime, collaborate(aws, workspace, Role.VIEWER))
    assert viewer.send(list_api_keys.ENDPOINT, f"{workspace.path}/api-keys").problem == "forbidden"


def test_another_workspaces_key_is_not_found(aws: Aws, workspace: OwnedWorkspace) -> None:
    key, other = create(aws, workspace), open_workspace(aws)
    assert rotate(aws, other, key).problem == revoke(aws, other, key).problem == "not-found"
    path = f"{other.path}/api-keys/{key.json['api_key_id']}"
    assert Caller(aws.runtime, other.owner).send(get_api_key.ENDPOINT, path).problem == "not-found"
    assert isinstance(resolve(aws, key.json["secret"]), ApiKey)


def test_a_secret_is_shown_once_and_kept_nowhere(
    aws: Aws, workspace: OwnedWorkspace, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [create(aws, workspace)]
    answers.append(rotate(aws, workspace, answers[0]))
    revoke(aws, workspace, answers[0])
    logged = str([record.__dict__ for record in caplog.records])
    assert "RotateApiKey" in logged
    kept = str([aws.items(table) for table in ("data", "outbox", "ephemeral", "audit")]) + logged
    for answer in answers:
        secret = answer.json["secret"]
        assert re.fullmatch(r"vsk_[A-Za-z0-9_-]{86}", secret)
        assert secret not in kept
    assert redact({"X-Api-Key": "vsk_1", "body": {"secret": "vsk_2"}}) == {
        "X-Api-Key": REDACTED,
        "body": {"secret": REDACTED},
    }


def test_what_becomes_of_a_key_is_told_by_events_and_audited(aws: Aws, workspace: OwnedWorkspace) -> None:
    key = create(aws, workspace, expires_at="2026-04-01T00:00:00Z")
    rotate(aws, workspace, key)
    create(aws, workspace, "workspace:write", by=collaborate(aws, workspace, Role.EDITOR))
    revoke(aws, workspace, key)
    told = [event for event in aws.events() if event.detail_type.startswith("ApiKey")]
    assert [event.detail_type for event in told] == ["ApiKeyCreated", "ApiKeyRotated", "ApiKeyRevoked"]
    assert [event.metadata.aggregate.version for event in told if event.metadata.aggregate] == [1, 2, 3]
    assert {event.metadata.workspace_id for event in told} == {workspace.workspace_id}
    trail = [
        (item["action"]["S"], item["state"]["S"]) for item in aws.items("audit") if "ApiKey" in item["action"]["S"]
    ]
    assert [entry for entry in trail if entry[1] in ("succeeded", "denied")] == [
        ("CreateApiKey", "succeeded"),
        ("RotateApiKey", "succeeded"),
        ("CreateApiKey", "denied"),
        ("RevokeApiKey", "succeeded"),
    ]
