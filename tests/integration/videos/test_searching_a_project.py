"""A search within a project finds its videos' moments and no others."""

import pytest

from functions.videos.commands import update_video
from functions.videos.queries import search_workspace_moments
from tests.support.analysed_videos import ready_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.indexing import index_moments_of_videos
from tests.support.projects import archive, open_project
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, open_workspace

BREAD = ((0, 4_000, "Today we are baking sourdough bread."), (4_000, 9_000, "Cut the bread into slices."))


@pytest.fixture
def workspace(aws: Aws) -> OwnedWorkspace:
    return open_workspace(aws)


def move(aws: Aws, workspace: OwnedWorkspace, video_id: str, project_id: str | None) -> None:
    path = f"{workspace.path}/videos/{video_id}"
    body = {"project_id": project_id}
    moved = Caller(aws.runtime, workspace.owner).send(update_video.ENDPOINT, path, body, headers={"if-match": "*"})
    assert moved.status == 200, moved


def find(aws: Aws, workspace: OwnedWorkspace, **fields: object) -> Answer:
    path = with_query(f"{workspace.path}/moments", **fields)
    answer = Caller(aws.runtime, workspace.owner).send(search_workspace_moments.ENDPOINT, path)
    assert answer.status == 200, answer
    return answer


def videos_found(aws: Aws, workspace: OwnedWorkspace, **fields: object) -> set[str]:
    return {one["video_id"] for one in find(aws, workspace, **fields).json["items"]}


def test_only_moments_of_the_projects_videos_are_found(aws: Aws, workspace: OwnedWorkspace) -> None:
    project_id = open_project(aws, workspace)
    inside, outside = (ready_video(aws, workspace.workspace_id, BREAD) for _ in range(2))
    move(aws, workspace, inside, project_id)
    index_moments_of_videos(aws)
    assert videos_found(aws, workspace, q="bread") == {inside, outside}
    assert videos_found(aws, workspace, q="bread", project_id=project_id) == {inside}
    move(aws, workspace, outside, project_id)
    archive(aws, workspace, project_id)
    move(aws, workspace, inside, None)
    assert videos_found(aws, workspace, q="bread", project_id=project_id) == {outside}, "a move holds at once"


def test_in_a_project_that_is_not_there_nothing_is_found(aws: Aws, workspace: OwnedWorkspace) -> None:
    other = open_workspace(aws)
    foreign = open_project(aws, other)
    theirs = ready_video(aws, other.workspace_id, BREAD)
    move(aws, other, theirs, foreign)
    ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    for project_id in (foreign, aws.ids.new(), open_project(aws, workspace)):
        assert videos_found(aws, workspace, q="bread", project_id=project_id) == set()
    assert videos_found(aws, other, q="bread", project_id=foreign) == {theirs}


def test_pages_neither_repeat_nor_skip_while_videos_come_into_the_project(aws: Aws, workspace: OwnedWorkspace) -> None:
    project_id = open_project(aws, workspace)
    first, late = (ready_video(aws, workspace.workspace_id, BREAD) for _ in range(2))
    move(aws, workspace, first, project_id)
    index_moments_of_videos(aws)
    page = find(aws, workspace, q="bread", project_id=project_id, limit=1).json
    aws.clock.advance(seconds=1)
    move(aws, workspace, late, project_id)
    rest = find(aws, workspace, q="bread", project_id=project_id, cursor=page["next_cursor"]).json
    seen = [(one["video_id"], one["segment_id"]) for one in page["items"] + rest["items"]]
    assert sorted(seen) == [(first, "speech-0001"), (first, "speech-0002")]
    assert rest["next_cursor"] is None
