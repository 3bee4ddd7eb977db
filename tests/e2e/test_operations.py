"""The platform's administrators at work on the deployed stack: dead letters, replays, the outbox."""

import json
import secrets
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from infra.local.client import ApiClient
from shared.kernel.clock import rfc3339
from tests.e2e.customers import new_customer, settled
from tests.e2e.stacks import LocalStack

# They redrive and lose what is everybody's: one after the other.
pytestmark = pytest.mark.xdist_group("operations")

QUEUE = "default-project-workspaces"
Operate = Callable[..., Any]


@pytest.fixture
def operate(local_stack: LocalStack) -> Operate:
    """The operator's command line; answers what it prints as JSON."""

    def run(*arguments: str, refused: bool = False) -> Any:
        command = [sys.executable, "-m", "infra.ops", "--local", "--json", *arguments]
        done = subprocess.run(command, cwd=local_stack.checkout, capture_output=True, text=True, check=False)
        assert (done.returncode != 0) == refused, done.stdout + done.stderr
        return done.stderr if refused else json.loads(done.stdout)

    return run


@pytest.fixture
def admin(local_stack: LocalStack, operate: Operate) -> Iterator[ApiClient]:
    with new_customer(local_stack) as customer:
        user_id = customer.api.get("/v1/users/me")["user_id"]
        assert customer.api.send("GET", "/v1/admin/outbox").status_code == 404
        operate("admins", "add", user_id)
        yield customer.api
        operate("admins", "remove", user_id)
        assert customer.api.send("GET", "/v1/admin/outbox").status_code == 404


@contextmanager
def _dying_soon(stack: LocalStack) -> Iterator[str]:
    """The queue gives a message up after two deliveries instead of after its class' number."""
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"visionscope-local-{QUEUE}")["QueueUrl"]
    before = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])["Attributes"]["RedrivePolicy"]
    sooner = json.dumps({**json.loads(before), "maxReceiveCount": 2})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": sooner})
    try:
        yield url
    finally:
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": before})


def _poison() -> dict[str, Any]:
    metadata = {
        "message_id": f"poison-{secrets.token_hex(8)}",
        "occurred_at": rfc3339(datetime.now(UTC)),
        "correlation_id": "poison",
        "service_name": "workspaces",
        "schema_version": 99,
    }
    return {
        "source": "visionscope.workspaces",
        "detail-type": "WorkspaceCreated",
        "detail": {"metadata": metadata, "data": {}},
    }


def _letters(api: ApiClient, message_id: str) -> list[dict[str, Any]]:
    items = api.get("/v1/admin/dead-letters", queue=QUEUE, limit=100)["items"]
    return [one for one in items if one["message_id"] == message_id]


def _audited(stack: LocalStack, letter_id: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for page in stack.client("dynamodb").get_paginator("scan").paginate(TableName=stack.outputs["audit_table"]):
        found += [(item["action"]["S"], item["state"]["S"]) for item in page["Items"] if letter_id in json.dumps(item)]
    return sorted(found)


def test_a_poison_message_is_seen_with_its_reason_redriven_and_discarded(
    local_stack: LocalStack, admin: ApiClient, operate: Operate
) -> None:
    poison = _poison()
    message_id = poison["detail"]["metadata"]["message_id"]
    with _dying_soon(local_stack) as url:
        local_stack.client("sqs").send_message(QueueUrl=url, MessageBody=json.dumps(poison))
        (letter,) = settled(lambda: _letters(admin, message_id), lambda found: len(found) == 1)
        assert (letter["queue"], letter["subscriber"], letter["error"], letter["deliveries"]) == (
            QUEUE,
            "project-workspaces",
            "validation-failed",
            2,
        )
        assert letter["reason"] == "WorkspaceCreated has schema version 99, known is 1"

        path = f"/v1/admin/dead-letters/{letter['dead_letter_id']}"
        first, second = (admin.send("POST", f"{path}/redrive", {}) for _ in range(2))
        assert (first.status_code, second.status_code) == (200, 200)
        assert first.json() == second.json()
        # It is as bad as before and comes back: once, although it was redriven twice.
        (again,) = settled(lambda: _letters(admin, message_id), lambda found: len(found) >= 1)
        assert again["dead_letter_id"] != letter["dead_letter_id"]
        assert again["deliveries"] == 4

    assert operate("dead-letters", "show", again["dead_letter_id"])["message"] == poison
    discarded = admin.send("POST", f"/v1/admin/dead-letters/{again['dead_letter_id']}/discard", {"reason": "A test"})
    assert discarded.status_code == 200, discarded.text
    assert _letters(admin, message_id) == []
    assert admin.get(f"/v1/admin/dead-letters/{again['dead_letter_id']}")["decision_reason"] == "A test"
    assert "discarded already" in operate("dead-letters", "redrive", again["dead_letter_id"], refused=True)
    assert _audited(local_stack, again["dead_letter_id"]) == [
        ("DiscardDeadLetter", "attempted"),
        ("DiscardDeadLetter", "succeeded"),
        ("RedriveDeadLetter", "attempted"),
        ("RedriveDeadLetter", "failed"),
    ]


def _ended(admin: ApiClient, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 202, answer.text
    location = answer.headers["location"]
    ended: dict[str, Any] = settled(lambda: admin.get(location), lambda one: one["ended_at"] is not None)
    return ended


def _workspaces(api: ApiClient) -> list[str]:
    return [one["workspace_id"] for one in api.get("/v1/workspaces")["items"]]


def _lose(stack: LocalStack, workspace_id: str) -> None:
    """Remove a workspace's row from the read model, whatever generation is read."""
    dynamodb, table = stack.client("dynamodb"), stack.outputs["read_models_table"]
    for page in dynamodb.get_paginator("scan").paginate(TableName=table):
        for item in page["Items"]:
            if item["sk"]["S"] == workspace_id and item["pk"]["S"].startswith("workspaces#"):
                dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})


def _generation(stack: LocalStack) -> str:
    key = {"pk": {"S": "READ-MODEL#workspaces"}, "sk": {"S": "GENERATIONS"}}
    found = stack.client("dynamodb").get_item(TableName=stack.outputs["read_models_table"], Key=key)
    current: str = found["Item"]["current"]["S"]
    return current


def test_a_replay_to_a_subscriber_that_handled_all_has_no_effect(local_stack: LocalStack, admin: ApiClient) -> None:
    begin = datetime.now(UTC)
    with new_customer(local_stack) as customer:
        settled(lambda: _workspaces(customer.api), lambda found: found == [customer.workspace_id])
        # Handled again, the event would bring this row back.
        _lose(local_stack, customer.workspace_id)

        def replayed() -> dict[str, Any]:
            span = {"from": rfc3339(begin), "to": rfc3339(datetime.now(UTC))}
            return _ended(admin, admin.send("POST", "/v1/admin/replays", {"subscriber": "project-workspaces", **span}))

        # The log is fed by the same bus, some moments later.
        ended = settled(replayed, lambda one: one["progress"]["sent"] >= 1)
        assert (ended["status"], ended["progress"]["too_old"]) == ("completed", 0)
        settled(lambda: _waiting(local_stack, QUEUE), lambda count: count == 0)
        assert _workspaces(customer.api) == []


def test_a_rebuild_restores_what_the_read_model_lost_and_switches_to_a_new_generation(
    local_stack: LocalStack, admin: ApiClient
) -> None:
    path = "/v1/admin/read-models/workspaces/rebuild"
    with new_customer(local_stack) as customer:
        settled(lambda: _workspaces(customer.api), lambda found: found == [customer.workspace_id])
        _lose(local_stack, customer.workspace_id)
        assert _workspaces(customer.api) == []
        started = admin.send("POST", path, {})
        operation_id = started.json()["operation_id"]
        settled(lambda: admin.get(started.headers["location"]), lambda one: one["steps"] >= 1)
        assert admin.send("POST", path, {}).status_code == 409
        ended = _ended(admin, started)
        assert (ended["status"], ended["reason"]) == ("completed", None)
        assert ended["progress"]["taken"] >= 1
        assert ended["progress"]["missing"] == 0
        assert _generation(local_stack) == operation_id
        assert _workspaces(customer.api) == [customer.workspace_id]


def _waiting(stack: LocalStack, queue: str) -> int:
    sqs = stack.client("sqs")
    url = sqs.get_queue_url(QueueName=f"visionscope-local-{queue}")["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(int(attributes[name]) for name in names)


def test_a_whole_queue_is_redriven_by_the_command_line_and_twice_is_once(
    local_stack: LocalStack, admin: ApiClient, operate: Operate
) -> None:
    sqs = local_stack.client("sqs")
    dead = sqs.get_queue_url(QueueName=f"visionscope-local-{QUEUE}-dlq")["QueueUrl"]
    with new_customer(local_stack) as customer:
        settled(lambda: _workspaces(customer.api), lambda found: found == [customer.workspace_id])
        owner_id, events = customer.api.get("/v1/users/me")["user_id"], [_poison() for _ in range(3)]
        for number, event in enumerate(events):
            event["detail"]["metadata"] |= {
                "schema_version": 1,
                "aggregate": {"type": "workspace", "id": f"w-{number}", "version": 1},
            }
            event["detail"]["data"] = {"workspace_id": customer.workspace_id, "owner_id": owner_id, "tier": "free"}
            sqs.send_message(QueueUrl=dead, MessageBody=json.dumps(event))
        ended = operate("dead-letters", "redrive", "--queue", QUEUE, "--wait")
        assert ended["status"] == "completed"
        assert ended["progress"]["sent"] >= 3
        for event in events:
            assert _letters(admin, event["detail"]["metadata"]["message_id"]) == []
        again = operate("dead-letters", "redrive", "--queue", QUEUE, "--wait")
        assert again["progress"] == {"failed_again": 0, "sent": 0}


def test_the_outbox_is_empty_when_all_is_quiet(admin: ApiClient, operate: Operate) -> None:
    status = settled(lambda: admin.get("/v1/admin/outbox"), lambda one: one["unpublished"] == 0)
    assert status["lag_ms"] == 0
    assert operate("outbox").keys() == status.keys()


def test_the_command_line_says_what_is_wrong(operate: Operate) -> None:
    assert "no subscriber" in operate("replay", "nobody", "--from", "1h", refused=True).lower()
    assert "No user is registered" in operate("admins", "add", "nobody@example.com", refused=True)
