"""A workspace with its owner, made as its API makes it."""

from dataclasses import dataclass

from functions.workspaces.adapters.rows import COLLABORATOR, CollaboratorRow, workspace_partition
from functions.workspaces.commands import create_workspace
from functions.workspaces.domain.roles import Role
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


def collaborate(aws: Aws, workspace: OwnedWorkspace, role: Role, user: User | None = None) -> User:
    """A user with a role in a workspace."""
    user = user or User(aws.ids.new(), aws.ids.new())
    row = CollaboratorRow(
        pk=workspace_partition(workspace.workspace_id),
        sk=COLLABORATOR + user.user_id,
        role=role,
        joined_at="",
        version=1,
    )
    aws.client("dynamodb").put_item(TableName=aws.settings.table("data"), Item=row.serialize())
    return user
