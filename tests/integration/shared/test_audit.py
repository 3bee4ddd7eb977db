"""The audit trail of a command, whatever becomes of it."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from shared.behaviors.order import request_chain
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context, Unread
from shared.cqrs.policy import Idempotency, Policy
from shared.kernel.errors import Conflict
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous, ApiKey, Principal, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import DataRow
from shared.persistence.scope import WriteScope
from tests.support.aws import Aws

WORKSPACE = "0195f0a0-0000-7000-8000-000000000001"
FOREIGN = "0195f0a0-0000-7000-8000-000000000002"
ANN = User("ann", "s-1")
VIEWER = User("vic", "s-2")


class PaintFence(Command[None]):
    workspace_id: Uuid
    colour: str


class Roles:
    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        if workspace_id != WORKSPACE:
            return None
        return frozenset({"fences:paint"}) if principal == ANN else frozenset({"fences:read"})


def build(scope: WriteScope) -> Callable[[PaintFence], Result[None]]:
    def paint(command: PaintFence) -> Result[None]:
        if command.colour == "crash":
            raise RuntimeError("a bug")
        if command.colour == "wet":
            return Failure(Conflict("The paint is wet."))
        scope.uow.insert(DataRow(pk=f"FENCE#{command.colour}", sk="FENCE"))
        return Success(None)

    return paint


def send(
    aws: Aws, colour: str, principal: Principal = ANN, workspace_id: str = WORKSPACE, key: str | None = None
) -> Result[Any]:
    now = aws.clock.now()
    policy = Policy(permission="fences:paint", audit="PaintFence", idempotency=Idempotency.OPTIONAL)
    context = Context(
        message_id=aws.ids.new(),
        correlation_id="story",
        received_at=now,
        deadline=now,
        principal=principal,
        workspace_id=workspace_id,
        idempotency_key=key,
        path_fields=frozenset({"workspace_id"}),
    )
    fields = {"workspace_id": workspace_id, "colour": colour}
    chain = request_chain(PaintFence, policy, build, aws.runtime, Roles())
    return chain(Unread(PaintFence, lambda: fields), context)


def trail(aws: Aws) -> list[tuple[str, str | None]]:
    return [(item["state"]["S"], item.get("error", {}).get("S")) for item in aws.items("audit")]


def test_a_success_has_an_attempt_and_its_end(aws: Aws) -> None:
    assert send(aws, "red") == Success(None)
    assert trail(aws) == [("attempted", None), ("succeeded", None)]
    attempt, end = aws.items("audit")
    assert attempt["pk"]["S"] == end["pk"]["S"] == f"AUDIT#workspace#{WORKSPACE}"
    assert (end["actor"]["S"], end["action"]["S"]) == ("user:ann", "PaintFence")
    assert WORKSPACE in end["target"]["S"]
    assert "red" not in str(aws.items("audit")), "what a message says stays out"


@pytest.mark.parametrize(("colour", "code"), [("wet", "conflict"), ("crash", "internal-error")])
def test_a_failure_has_an_end_with_its_code(aws: Aws, colour: str, code: str) -> None:
    assert isinstance(send(aws, colour), Failure)
    assert trail(aws) == [("attempted", None), ("failed", code)]
    assert not aws.items("data")


def test_an_attempt_is_durable_before_anything_happens(aws: Aws) -> None:
    class Refusing:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def transact_write_items(self, **request: Any) -> Any:
            if "audit" in str(request):
                raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems")
            return self._client.transact_write_items(**request)

    aws.fakes["dynamodb"] = Refusing(aws.client("dynamodb"))
    assert isinstance(send(aws, "red"), Failure)
    assert not aws.items("data")


def test_a_success_whose_reply_was_lost_is_not_called_a_failure(aws: Aws) -> None:
    class LosingReplies:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def transact_write_items(self, **request: Any) -> Any:
            answer = self._client.transact_write_items(**request)
            if "FENCE#" in str(request):
                raise ConnectionClosedError(endpoint_url="dynamodb")
            return answer

    aws.fakes["dynamodb"] = LosingReplies(aws.client("dynamodb"))
    assert isinstance(send(aws, "red"), Failure)
    assert trail(aws) == [("attempted", None), ("succeeded", None)]
    assert len(aws.items("data")) == 1


def test_a_replayed_answer_is_no_new_attempt(aws: Aws) -> None:
    assert send(aws, "red", key="k") == send(aws, "red", key="k") == Success(None)
    assert len(trail(aws)) == 2


def test_refusals_are_kept_where_they_reveal_nothing(aws: Aws) -> None:
    send(aws, "red", VIEWER)
    send(aws, "red", VIEWER, FOREIGN)
    send(aws, "red", VIEWER, "not an id")
    send(aws, "red", Anonymous())
    kept = [(item["pk"]["S"], item["state"]["S"], item["error"]["S"]) for item in aws.items("audit")]
    assert kept == [
        ("AUDIT#user:vic", "denied", "not-found"),
        ("AUDIT#user:vic", "denied", "not-found"),
        (f"AUDIT#workspace#{WORKSPACE}", "denied", "forbidden"),
    ]
    assert "not an id" not in str(aws.items("audit"))


def test_an_attempt_whose_process_ended_is_one_without_an_end(aws: Aws) -> None:
    class Killed(BaseException):
        """Nothing of the process runs any more."""

    class Dying:
        def __init__(self, client: Any) -> None:
            self._client = client
            self._is_dead = False

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def transact_write_items(self, **request: Any) -> Any:
            self._is_dead = self._is_dead or "FENCE#" in str(request)
            if self._is_dead:
                raise Killed
            return self._client.transact_write_items(**request)

    aws.fakes["dynamodb"] = Dying(aws.client("dynamodb"))
    with pytest.raises(Killed):
        send(aws, "red")
    assert trail(aws) == [("attempted", None)]
    assert not aws.items("data")


def test_a_key_is_the_actor_of_what_it_tries(aws: Aws) -> None:
    key = ApiKey("k-1", WORKSPACE, "ann", frozenset({"fences:read"}))
    assert isinstance(send(aws, "red", key), Failure)
    (entry,) = aws.items("audit")
    assert (entry["actor"]["S"], entry["state"]["S"], entry["error"]["S"]) == ("api-key:k-1", "denied", "forbidden")
