import json

import pytest

from functions.conversations.domain.conversation import MAX_PROJECT_VIDEOS
from functions.conversations.queries import get_conversation, list_conversations
from functions.videos.domain.video import VideoStatus
from tests.integration.conversations.test_conversations import BREAD, VOLCANO, Studio
from tests.support.analysed_videos import add_video
from tests.support.aws import Aws
from tests.support.projecting import project
from tests.support.projects import archive, open_project
from tests.support.workspaces import open_workspace


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws, open_workspace(aws))


@pytest.fixture
def project_id(studio: Studio) -> str:
    return open_project(studio.aws, studio.workspace)


def in_project(studio: Studio, project_id: str, *videos: str) -> None:
    for video_id in videos:
        studio.move(video_id, project_id)


def start(studio: Studio, project_id: str) -> str:
    answer = studio.try_to_start({"project_id": project_id})
    assert answer.status == 201, answer
    location: str = answer.headers["location"]
    return location


def test_a_conversation_is_about_all_analysed_videos_of_a_project(studio: Studio, project_id: str) -> None:
    bread, volcano = studio.video(*BREAD), studio.video(*VOLCANO)
    unready = add_video(studio.aws, studio.workspace.workspace_id, VideoStatus.UPLOADED)
    studio.video((0, 1_000, "The loaf is baked at 90 degrees, says OUTSIDER."))
    in_project(studio, project_id, volcano, unready, bread)
    conversation = start(studio, project_id)
    shown = studio.owner.send(get_conversation.ENDPOINT, conversation).json
    assert (shown["project_id"], shown["video_ids"]) == (project_id, [bread, volcano]), "the oldest first"
    for question, video in (("How hot is the loaf baked?", bread), ("When did Mount Etna erupt?", volcano)):
        answer = studio.ask(conversation, question).json
        assert [one["video_id"] for one in answer["citations"]] == [video]
        assert "OUTSIDER" not in json.dumps(answer)
    (started,) = studio.aws.events("ConversationStarted")
    assert (started.data["project_id"], started.data["video_ids"]) == (project_id, [bread, volcano])
    project(studio.aws)
    listed = studio.owner.send(list_conversations.ENDPOINT, f"{studio.workspace.path}/conversations").json["items"]
    assert listed == [shown]


def test_what_comes_into_the_project_later_is_for_another_conversation(studio: Studio, project_id: str) -> None:
    bread = studio.video(*BREAD)
    in_project(studio, project_id, bread)
    conversation = start(studio, project_id)
    in_project(studio, project_id, studio.video(*VOLCANO))
    assert studio.ask(conversation, "When did Mount Etna erupt?").json["grounded"] is False
    assert studio.ask(start(studio, project_id), "When did Mount Etna erupt?").json["grounded"] is True
    studio.move(bread, None)
    assert studio.ask(conversation, "How hot is the loaf baked?").json["grounded"] is True, "it stays the same"


def test_a_video_moved_into_a_project_is_talked_about_at_once(studio: Studio, project_id: str) -> None:
    in_project(studio, project_id, studio.video(*BREAD))
    assert start(studio, project_id)
    archive(studio.aws, studio.workspace, project_id)
    assert start(studio, project_id), "an archived project can still be asked about"


def test_a_project_without_analysed_videos_says_so(studio: Studio, project_id: str) -> None:
    in_project(studio, project_id, add_video(studio.aws, studio.workspace.workspace_id, VideoStatus.UPLOADED))
    answer = studio.try_to_start({"project_id": project_id})
    assert (answer.status, answer.problem) == (409, "conflict")
    assert "analysis" in answer.json["detail"]


def test_a_project_may_be_too_large_to_talk_about(studio: Studio, project_id: str) -> None:
    workspace_id = studio.workspace.workspace_id
    for _ in range(MAX_PROJECT_VIDEOS):
        add_video(studio.aws, workspace_id, VideoStatus.READY, analysis_id=studio.aws.ids.new(), project_id=project_id)
    assert studio.try_to_start({"project_id": project_id}).status == 201
    add_video(studio.aws, workspace_id, VideoStatus.READY, analysis_id=studio.aws.ids.new(), project_id=project_id)
    answer = studio.try_to_start({"project_id": project_id})
    assert (answer.status, answer.problem) == (409, "conflict")
    assert str(MAX_PROJECT_VIDEOS) in answer.json["detail"]


def test_another_workspaces_project_cannot_be_talked_about(studio: Studio, project_id: str) -> None:
    in_project(studio, project_id, studio.video((0, 4_000, "The dragon guards the treasure, says ALBATROSS.")))
    stranger = Studio(studio.aws, open_workspace(studio.aws))
    own = open_project(studio.aws, stranger.workspace)
    in_project(stranger, own, stranger.video((0, 4_000, "The dragon guards the gold, says BARRACUDA.")))
    never = stranger.try_to_start({"project_id": studio.aws.ids.new()})
    foreign = stranger.try_to_start({"project_id": project_id})
    assert (foreign.status, foreign.problem, foreign.json["detail"]) == (404, "not-found", never.json["detail"])
    conversation = start(stranger, own)
    for question in ("What does the dragon guard?", "What is this video about?", "What does ALBATROSS say?"):
        answer = stranger.ask(conversation, question).json
        assert "ALBATROSS" not in json.dumps({**answer, "question": ""})


def test_named_videos_of_one_project_are_about_that_project(studio: Studio, project_id: str) -> None:
    one, two, outside = studio.video(*BREAD), studio.video(*VOLCANO), studio.video(*BREAD)
    in_project(studio, project_id, one, two)
    about = [
        studio.owner.send(get_conversation.ENDPOINT, studio.start(*videos)).json["project_id"]
        for videos in ((two, one), (one, outside), (outside,))
    ]
    assert about == [project_id, None, None]
