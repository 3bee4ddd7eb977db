from functions.conversations.commands import start_conversation
from functions.conversations.queries import get_conversation, list_conversations
from functions.videos.domain.video import VideoStatus
from tests.support.analysed_videos import add_video
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.projecting import project
from tests.support.workspaces import open_workspace


def test_a_workspace_lists_its_own_conversations_newest_first(aws: Aws) -> None:
    workspace, other = open_workspace(aws), open_workspace(aws)
    started = []
    for one in (workspace, workspace, workspace, other):
        video_id = add_video(aws, one.workspace_id, VideoStatus.READY, aws.ids.new())
        caller = Caller(aws.runtime, one.owner)
        answer = caller.send(start_conversation.ENDPOINT, f"{one.path}/conversations", {"video_ids": [video_id]})
        started.append(answer.json)
    project(aws)
    caller, path = Caller(aws.runtime, workspace.owner), f"{workspace.path}/conversations"
    answer = caller.send(list_conversations.ENDPOINT, f"{path}?include_total=true")
    assert answer.json["items"] == started[2::-1]
    assert answer.json["items"][0] == caller.send(get_conversation.ENDPOINT, answer_path(path, started[2])).json
    assert (answer.json["total_count"], answer.json["next_cursor"]) == (3, None)
    page = caller.send(list_conversations.ENDPOINT, f"{path}?limit=2").json
    rest = caller.send(list_conversations.ENDPOINT, f"{path}?limit=2&cursor={page['next_cursor']}").json
    assert page["items"] + rest["items"] == started[2::-1]
    assert Caller(aws.runtime, other.owner).send(list_conversations.ENDPOINT, path).problem == "not-found"


def answer_path(path: str, conversation: dict[str, str]) -> str:
    return f"{path}/{conversation['conversation_id']}"
