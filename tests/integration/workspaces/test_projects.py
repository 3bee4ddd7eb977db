from typing import Any

import pytest

from functions.workspaces.adapters.rows import PROJECT_COUNT, ProjectCountRow, workspace_partition
from functions.workspaces.commands import archive_project, create_project, rename_project
from functions.workspaces.domain.project import MAX_ACTIVE_PROJECTS
from functions.workspaces.domain.roles import Role
from functions.workspaces.queries import get_project, list_projects
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, collaborate, open_workspace


class Desk:
    """A workspace's owner, who sorts its videos."""

    def __init__(self, aws: Aws, workspace: OwnedWorkspace | None = None) -> None:
        self.aws = aws
        self.workspace = workspace or open_workspace(aws)
        self.caller = Caller(aws.runtime, self.workspace.owner)
        self.path = f"{self.workspace.path}/projects"

    def create(self, name: object, key: str | None = None) -> Answer:
        return self.caller.send(create_project.ENDPOINT, self.path, {"name": name}, idempotency_key=key)

    def created(self, name: str) -> str:
        answer = self.create(name)
        assert answer.status == 201, answer
        project_id: str = answer.json["project_id"]
        return project_id

    def get(self, project_id: str) -> Answer:
        return self.caller.send(get_project.ENDPOINT, f"{self.path}/{project_id}")

    def rename(self, project_id: str, name: str, if_match: str | None = "*") -> Answer:
        headers = {"if-match": if_match} if if_match else {}
        return self.caller.send(rename_project.ENDPOINT, f"{self.path}/{project_id}", {"name": name}, headers=headers)

    def archive(self, project_id: str, if_match: str | None = None) -> Answer:
        headers = {"if-match": if_match} if if_match else {}
        return self.caller.send(archive_project.ENDPOINT, f"{self.path}/{project_id}", headers=headers)

    def listed(self, **query: object) -> Any:
        answer = self.caller.send(list_projects.ENDPOINT, with_query(self.path, **query))
        assert answer.status == 200, answer
        return answer.json

    def names(self, **query: object) -> list[str]:
        return [one["name"] for one in self.listed(**query)["items"]]


@pytest.fixture
def desk(aws: Aws) -> Desk:
    return Desk(aws)


def test_a_project_is_created_and_read(desk: Desk) -> None:
    answer = desk.create("  Campaign  ")
    assert answer.status == 201
    assert (answer.json["name"], answer.json["status"], answer.json["archived_at"]) == ("Campaign", "active", None)
    project_id = answer.json["project_id"]
    assert answer.headers["location"] == f"{desk.path}/{project_id}"
    shown = desk.get(project_id)
    assert (shown.status, shown.json) == (200, answer.json)
    again = desk.caller.send(
        get_project.ENDPOINT, f"{desk.path}/{project_id}", headers={"if-none-match": shown.headers["etag"]}
    )
    assert again.status == 304


@pytest.mark.parametrize("name", ["", "  ", "a" * 101, "tab\there", None, 7])
def test_a_name_is_a_line_of_text(desk: Desk, name: object) -> None:
    answer = desk.create(name)
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/name")


def test_a_request_repeated_under_its_key_makes_one_project(desk: Desk) -> None:
    first, second = desk.create("Campaign", key="k"), desk.create("Campaign", key="k")
    assert second.json == first.json
    assert second.headers["idempotent-replayed"] == "true"
    assert desk.names() == ["Campaign"]
    assert len(desk.aws.events("ProjectCreated")) == 1


def test_a_project_is_renamed_by_who_has_seen_it(desk: Desk) -> None:
    project_id = desk.created("Campaign")
    seen = desk.get(project_id).headers["etag"]
    assert desk.rename(project_id, "Spring", None).problem == "precondition-required"
    renamed = desk.rename(project_id, "Spring", seen)
    assert (renamed.status, renamed.json["name"]) == (200, "Spring")
    assert renamed.headers["etag"] == desk.get(project_id).headers["etag"]
    assert desk.rename(project_id, "Summer", seen).problem == "precondition-failed"
    assert desk.names() == ["Spring"]


@pytest.mark.parametrize("taken", ["Campaign", "cAMPAIGN", " Campaign ", "Ｃampaign"])
def test_two_projects_of_a_workspace_never_have_one_name(desk: Desk, taken: str) -> None:
    desk.created("Campaign")
    other = desk.created("Other")
    for refused in (desk.create(taken), desk.rename(other, taken)):
        assert (refused.status, refused.problem) == (409, "duplicate-entity")
    assert desk.names() == ["Other", "Campaign"]
    assert Desk(desk.aws).create("Campaign").status == 201, "another workspace has names of its own"


def test_a_name_that_was_given_up_is_free(desk: Desk) -> None:
    first = desk.created("Campaign")
    assert desk.rename(first, "Spring").status == 200
    second = desk.created("Campaign")
    assert desk.archive(second).status == 204
    assert desk.rename(first, "campaign").status == 200
    assert desk.rename(first, "CAMPAIGN").json["name"] == "CAMPAIGN", "its own name in another case"


def test_an_archived_project_is_left_as_it_was(desk: Desk) -> None:
    project_id, other = desk.created("Campaign"), desk.created("Other")
    seen = desk.get(project_id).headers["etag"]
    desk.rename(project_id, "Spring", seen)
    assert desk.archive(project_id, if_match=seen).problem == "precondition-failed"
    archived = desk.archive(project_id)
    assert (archived.status, archived.json) == (204, None)
    shown = desk.get(project_id).json
    assert (shown["name"], shown["status"], shown["archived_at"]) == ("Spring", "archived", "2026-03-01T12:00:00.000Z")
    assert desk.rename(project_id, "Summer").problem == "conflict"
    assert desk.archive(project_id).status == 204
    assert len(desk.aws.events("ProjectArchived")) == 1
    assert (desk.names(), desk.names(status="archived")) == (["Other"], ["Spring"])
    assert desk.get(other).json["status"] == "active"


def test_a_walk_sees_what_was_there_at_its_start_once(desk: Desk) -> None:
    made = [desk.created(f"Project {number}") for number in range(7)]
    for archived in (made[1], made[5]):
        desk.archive(archived)
    expected = [f"Project {number}" for number in (6, 4, 3, 2, 0)]
    first = desk.listed(limit=2, include_total="true")
    assert first["total_count"] == 5
    desk.created("Too late")
    seen, cursor = [one["name"] for one in first["items"]], first["next_cursor"]
    while cursor:
        page = desk.listed(limit=2, cursor=cursor)
        assert len(page["items"]) <= 2
        seen += [one["name"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == expected
    refused = desk.caller.send(
        list_projects.ENDPOINT, with_query(desk.path, cursor=first["next_cursor"], status="archived")
    )
    assert refused.problem == "malformed-request"


def test_a_workspace_has_a_bounded_number_of_projects(desk: Desk) -> None:
    made = desk.created("The first")
    partition = workspace_partition(desk.workspace.workspace_id)
    nearly = ProjectCountRow(pk=partition, sk=PROJECT_COUNT, active=MAX_ACTIVE_PROJECTS - 1)
    desk.aws.client("dynamodb").put_item(TableName=desk.aws.settings.table("data"), Item=nearly.serialize())
    assert desk.create("The last").status == 201
    assert desk.create("One more").problem == "duplicate-entity"
    desk.archive(made)
    assert desk.create("One more").status == 201


def test_events_tell_of_a_project_without_its_name(desk: Desk) -> None:
    project_id = desk.created("Secret merger")
    desk.rename(project_id, "Public merger")
    desk.archive(project_id)
    told = [one for one in desk.aws.events() if one.detail_type.startswith("Project")]
    assert [one.detail_type for one in told] == ["ProjectCreated", "ProjectRenamed", "ProjectArchived"]
    assert [one.metadata.aggregate.version for one in told if one.metadata.aggregate] == [1, 2, 3]
    assert all(one.data == {"workspace_id": desk.workspace.workspace_id, "project_id": project_id} for one in told)
    assert "merger" not in str([one.detail() for one in told])


def test_another_workspaces_project_is_not_there(desk: Desk) -> None:
    project_id = desk.created("Campaign")
    stranger = Desk(desk.aws)
    never = stranger.get(desk.aws.ids.new())
    for foreign in (stranger.get(project_id), stranger.rename(project_id, "Mine"), stranger.archive(project_id)):
        assert (foreign.status, foreign.json["detail"]) == (404, never.json["detail"])
    stranger.path = desk.path
    for answer in (stranger.get(project_id), stranger.create("Mine"), stranger.archive(project_id)):
        assert answer.problem == "not-found"
    assert desk.names() == ["Campaign"]
    cursor_of = desk.created("Second") and desk.listed(limit=1)["next_cursor"]
    own = Desk(desk.aws)
    assert (
        own.caller.send(list_projects.ENDPOINT, with_query(own.path, cursor=cursor_of)).problem == "malformed-request"
    )


def test_editors_sort_videos_into_projects_and_viewers_look(desk: Desk) -> None:
    editor = collaborate(desk.aws, desk.workspace, Role.EDITOR)
    viewer = collaborate(desk.aws, desk.workspace, Role.VIEWER)
    desk.caller = Caller(desk.aws.runtime, editor)
    project_id = desk.created("Campaign")
    desk.caller = Caller(desk.aws.runtime, viewer)
    assert desk.get(project_id).status == 200
    assert desk.names() == ["Campaign"]
    refused = (desk.create("Mine"), desk.rename(project_id, "Mine"), desk.archive(project_id))
    assert [one.problem for one in refused] == ["forbidden"] * 3


def test_what_is_done_to_a_project_is_audited(desk: Desk) -> None:
    project_id = desk.created("Campaign")
    desk.create("Campaign")
    desk.rename(project_id, "Spring")
    desk.archive(project_id)
    trail = [(item["action"]["S"], item["state"]["S"]) for item in desk.aws.items("audit")]
    for action in ("CreateProject", "RenameProject", "ArchiveProject"):
        assert (action, "succeeded") in trail
    assert ("CreateProject", "failed") in trail
