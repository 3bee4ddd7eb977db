from typing import Any

import pytest

from functions.videos.commands import create_video
from functions.workspaces.commands import create_workspace
from functions.workspaces.domain.roles import Role
from shared.kernel.principals import User
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.workspaces import OwnedWorkspace, collaborate, open_workspace


@pytest.fixture
def owner(aws: Aws) -> User:
    return User(aws.ids.new(), aws.ids.new())


def create(aws: Aws, owner: User, key: str | None, name: str = "Studio") -> Answer:
    return Caller(aws.runtime, owner).send(
        create_workspace.ENDPOINT, "/v1/workspaces", {"name": name}, idempotency_key=key
    )


def workspaces(aws: Aws) -> int:
    return sum(item["sk"]["S"] == "WORKSPACE" for item in aws.items("data"))


def test_the_same_key_and_request_give_the_first_answer_again(aws: Aws, owner: User) -> None:
    first, again = create(aws, owner, "key-1"), create(aws, owner, "key-1")
    assert (first.status, again.status) == (201, 201)
    assert first.json == again.json
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert workspaces(aws) == 1


def test_a_key_is_good_for_one_request_and_one_caller(aws: Aws, owner: User) -> None:
    create(aws, owner, "key-1")
    assert create(aws, owner, "key-1", name="Other").problem == "idempotency-key-reused"
    stranger = User(aws.ids.new(), aws.ids.new())
    assert "idempotent-replayed" not in create(aws, stranger, "key-1").headers
    assert workspaces(aws) == 2


def test_a_key_is_good_for_one_operation_in_one_workspace(aws: Aws) -> None:
    workspace, other = open_workspace(aws), open_workspace(aws)
    collaborate(aws, other, Role.EDITOR, workspace.owner)
    body = {"file_name": "a.mp4", "content_type": "video/mp4", "size_bytes": 1_000}
    caller = Caller(aws.runtime, workspace.owner)

    def announce(place: OwnedWorkspace) -> Answer:
        return caller.send(create_video.ENDPOINT, f"{place.path}/videos", body, idempotency_key="key-1")

    answers = [announce(workspace), announce(other), create(aws, workspace.owner, "key-1")]
    assert [(one.status, "idempotent-replayed" in one.headers) for one in answers] == [(201, False)] * 3
    assert announce(workspace).headers["idempotent-replayed"] == "true"


def test_a_key_expires(aws: Aws, owner: User) -> None:
    create(aws, owner, "key-1")
    aws.clock.advance(hours=24)
    assert create(aws, owner, "key-1").headers["idempotent-replayed"] == "true"
    aws.clock.advance(hours=25)
    assert "idempotent-replayed" not in create(aws, owner, "key-1", name="Other").headers
    assert workspaces(aws) == 2


def test_refusals_are_not_stored(aws: Aws, owner: User) -> None:
    assert create(aws, owner, "key-1", name="").problem == "validation-failed"
    assert create(aws, owner, "key-1").status == 201


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "ümlaut"])
def test_a_malformed_key_is_refused(aws: Aws, owner: User, key: str) -> None:
    assert create(aws, owner, key).problem == "malformed-request"


def test_a_parallel_loser_replays_the_winner(aws: Aws, owner: User) -> None:
    """The loser has looked for the record before the winner commits, so only the transaction can tell it."""
    dynamodb = aws.client("dynamodb")

    class Racing:
        """Lets the winner commit just before the loser's transaction is sent."""

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

        def transact_write_items(self, **request: Any) -> Any:
            aws.fakes.clear()
            self.winner = create(aws, owner, "key-1")
            return dynamodb.transact_write_items(**request)

    racing = aws.fakes["dynamodb"] = Racing()
    loser = create(aws, owner, "key-1")
    assert loser.json == racing.winner.json
    assert loser.headers["idempotent-replayed"] == "true"
    assert workspaces(aws) == 1
