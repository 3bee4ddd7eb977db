"""Projects, made as their API makes them."""

from functions.workspaces.commands import archive_project, create_project
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.workspaces import OwnedWorkspace


def open_project(aws: Aws, workspace: OwnedWorkspace, name: str = "Campaign") -> str:
    answer = Caller(aws.runtime, workspace.owner).send(
        create_project.ENDPOINT, f"{workspace.path}/projects", {"name": name}
    )
    assert answer.status == 201, answer
    project_id: str = answer.json["project_id"]
    return project_id


def archive(aws: Aws, workspace: OwnedWorkspace, project_id: str) -> None:
    answer = Caller(aws.runtime, workspace.owner).send(
        archive_project.ENDPOINT, f"{workspace.path}/projects/{project_id}"
    )
    assert answer.status == 204, answer
