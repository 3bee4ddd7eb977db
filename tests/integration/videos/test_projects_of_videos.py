"""Videos come into projects and go, and what a project has is known at once."""

import pytest

from functions.billing.queries import get_workspace_usage
from functions.videos.adapters.deletion import DELETION
from functions.videos.commands import create_video, update_video
from functions.videos.domain.video import VideoStatus
from functions.videos.queries import list_videos
from functions.videos.subscribers import remove_deleted_video
from shared.kernel.errors import FieldError
from tests.support.analysed_videos import add_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.projecting import project
from tests.support.projects import archive, open_project
from tests.support.queues import deliver, from_bus
from tests.support.videos import Studio, with_query


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws)


def announce(studio: Studio, project_id: str) -> Answer:
    body = {"file_name": "clip.mp4", "content_type": "video/mp4", "size_bytes": 1_000, "project_id": project_id}
    return studio.caller.send(create_video.ENDPOINT, studio.videos_path, body)


def change(studio: Studio, video_id: str, **body: object) -> Answer:
    return studio.caller.send(update_video.ENDPOINT, studio.video_path(video_id), body, headers={"if-match": "*"})


def listed(studio: Studio, **query: object) -> list[str]:
    answer = studio.caller.send(list_videos.ENDPOINT, with_query(studio.videos_path, **query))
    assert answer.status == 200, answer
    return [one["video_id"] for one in answer.json["items"]]


def refusal(answer: Answer) -> FieldError:
    assert (answer.status, answer.problem) == (422, "validation-failed"), answer
    (error,) = answer.json["errors"]
    return FieldError(**error)


def test_a_video_is_announced_in_a_project(studio: Studio) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    video_id = studio.create_video(project_id=project_id)
    studio.create_video()
    assert studio.video(video_id)["project_id"] == project_id
    assert listed(studio, project_id=project_id) == [video_id]


def test_a_project_that_is_not_there_takes_no_videos(studio: Studio) -> None:
    other = Studio(studio.aws)
    foreign, never = open_project(studio.aws, other.workspace), studio.aws.ids.new()
    video_id = studio.create_video()
    for project_id in (foreign, never):
        for answer in (announce(studio, project_id), change(studio, video_id, project_id=project_id)):
            refused = refusal(answer)
            assert (refused.pointer, refused.code) == ("/project_id", "unknown-project")
    assert studio.video(video_id)["project_id"] is None
    assert listed(studio, project_id=foreign) == listed(other, project_id=foreign) == []


def test_an_archived_project_keeps_its_videos_and_takes_no_others(studio: Studio) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    inside, outside = studio.create_video(project_id=project_id), studio.create_video()
    archive(studio.aws, studio.workspace, project_id)
    for answer in (announce(studio, project_id), change(studio, outside, project_id=project_id)):
        refused = refusal(answer)
        assert (refused.pointer, refused.code) == ("/project_id", "archived-project")
    assert listed(studio, project_id=project_id) == [inside]
    assert change(studio, inside, title="Still mine", project_id=project_id).status == 200
    assert change(studio, inside, project_id=None).json["project_id"] is None
    assert listed(studio, project_id=project_id) == []


def test_a_video_is_moved_and_found_there_at_once(studio: Studio) -> None:
    one, two = (open_project(studio.aws, studio.workspace, name) for name in ("One", "Two"))
    video_id = studio.create_video(title="Harvest", project_id=one)
    moved = change(studio, video_id, project_id=two)
    assert (moved.status, moved.json["project_id"], moved.json["title"]) == (200, two, "Harvest")
    assert (listed(studio, project_id=one), listed(studio, project_id=two)) == ([], [video_id])
    assert change(studio, video_id, title="Vintage").json["project_id"] == two
    assert change(studio, video_id, project_id=None).json["project_id"] is None
    assert listed(studio, project_id=two) == []
    told = [event.data["project_id"] for event in studio.aws.events("VideoChanged")]
    assert told == [one, two, two, None]


@pytest.mark.parametrize(
    ("body", "pointer"), [({}, ""), ({"title": None}, "/title"), ({"project_id": "no-uuid"}, "/project_id")]
)
def test_a_change_changes_something(studio: Studio, body: dict[str, object], pointer: str) -> None:
    assert refusal(change(studio, studio.create_video(), **body)).pointer == pointer


def test_a_deleted_video_leaves_its_project(studio: Studio) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    video_id = studio.create_video(project_id=project_id)
    assert studio.delete_video(video_id).status == 202
    done = 0
    while messages := studio.aws.commands(DELETION.queue_name)[done:]:
        done += 1
        assert deliver(remove_deleted_video.SUBSCRIBER, from_bus(messages[0]), studio.aws.runtime)
    assert listed(studio, project_id=project_id) == []
    partition = f"PROJECT-VIDEOS#{studio.workspace_id}#{project_id}"
    assert [item for item in studio.aws.items("data") if item["pk"]["S"] == partition] == []


def test_a_walk_over_a_projects_videos_sees_each_once(studio: Studio) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    made = []
    for _ in range(5):
        video_id = add_video(studio.aws, studio.workspace_id, VideoStatus.READY)
        change(studio, video_id, project_id=project_id)
        made.append(video_id)
        studio.create_video(project_id=project_id)
        add_video(studio.aws, studio.workspace_id, VideoStatus.READY)
    query = {"project_id": project_id, "status": "ready", "limit": 2}
    first = studio.caller.send(list_videos.ENDPOINT, with_query(studio.videos_path, **query, include_total="true")).json
    assert first["total_count"] == 5
    late = add_video(studio.aws, studio.workspace_id, VideoStatus.READY)
    change(studio, late, project_id=project_id)
    seen, cursor = [one["video_id"] for one in first["items"]], first["next_cursor"]
    while cursor:
        page = studio.caller.send(list_videos.ENDPOINT, with_query(studio.videos_path, **query, cursor=cursor)).json
        seen += [one["video_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert seen == made[::-1]
    elsewhere = with_query(studio.videos_path, status="ready", cursor=first["next_cursor"])
    assert studio.caller.send(list_videos.ENDPOINT, elsewhere).problem == "malformed-request"


def test_a_project_archived_meanwhile_takes_no_video(studio: Studio) -> None:
    """Between the look at the project and the commit somebody archives it: the commit is held to what was seen."""
    project_id = open_project(studio.aws, studio.workspace)
    aws, dynamodb = studio.aws, studio.aws.client("dynamodb")

    class ArchivesFirst:
        """DynamoDB, in which the project is archived right before the first transaction."""

        def __getattr__(self, name: str) -> object:
            return getattr(dynamodb, name)

        def transact_write_items(self, **request: object) -> object:
            del aws.fakes["dynamodb"]
            archive(aws, studio.workspace, project_id)
            return dynamodb.transact_write_items(**request)

    aws.fakes["dynamodb"] = ArchivesFirst()
    studio.caller = Caller(aws.runtime, studio.workspace.owner)
    refused = refusal(announce(studio, project_id))
    assert refused.code == "archived-project"
    assert listed(studio, project_id=project_id) == []


def test_an_analysis_counts_as_usage_of_its_videos_project(studio: Studio, clip: bytes) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    video_id = studio.create_video(project_id=project_id)
    assert studio.upload(video_id, clip)
    analysis_id = studio.requested_analysis(video_id, features=["shots"])
    change(studio, video_id, project_id=None)
    assert studio.tell_outcome(video_id, analysis_id, manifest_key="k", duration_ms=1_000, shots=1)
    project(studio.aws)
    usage = studio.caller.send(get_workspace_usage.ENDPOINT, f"{studio.workspace.path}/usage?group_by=project").json
    assert [(one["project_id"], one["credits_consumed"]) for one in usage["items"]] == [(project_id, 1)]
