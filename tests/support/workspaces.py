"""A workspace with its owner, made as its API makes it."""

from dataclasses import dataclass

from functions.workspaces.commands import create_workspace
from shared.kernel.principals import User
from tests.support.aws import Aws
from tests.support.http import Caller


@dataclass(frozen=True, slots=True)
class OwnedWorkspace:
    workspace_id: str
    owner: User

    @property
    def path(self) -> str:
        return f"/v1/workspaces/{self.workspace_id}"


def open_workspace(aws: Aws) -> OwnedWorkspace:
    owner = User(user_id=aws.ids.new(), session_id=aws.ids.new())
    answer = Caller(aws.runtime, owner).send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": "Studio"})
    assert answer.status == 201, answer
    return OwnedWorkspace(answer.json["workspace_id"], owner)
