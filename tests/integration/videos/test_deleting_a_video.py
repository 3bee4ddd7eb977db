from collections.abc import Iterator
from typing import Any

import pytest

from functions.conversations.commands import ask_question, start_conversation
from functions.conversations.queries import list_conversation_questions
from functions.videos.adapters.deletion import DELETION
from functions.videos.commands import delete_video, update_video
from functions.videos.queries import get_chapters, get_timeline, get_video, list_videos, search_workspace_moments
from functions.videos.subscribers import project_videos, remove_deleted_video
from tests.support.analysed_videos import ready_video
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.indexing import index_moments_of_videos
from tests.support.queues import deliver, from_bus
from tests.support.videos import Studio
from tests.support.workspaces import open_workspace


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws)


def turns(aws: Aws) -> Iterator[dict[str, Any]]:
    """The messages that set off the turns of a deletion, each once, until no more are sent."""
    done: set[str] = set()
    while True:
        sent = [from_bus(one) for one in aws.commands(DELETION.queue_name)]
        waiting = [one for one in sent if one["id"] not in done]
        if not waiting:
            return
        done.add(waiting[0]["id"])
        yield waiting[0]


def work_off(aws: Aws) -> int:
    """Take all turns; each message comes twice. Returns how many there were."""
    count = 0
    for message in turns(aws):
        count += 1
        assert deliver(remove_deleted_video.SUBSCRIBER, message, aws.runtime)
        assert deliver(remove_deleted_video.SUBSCRIBER, message, aws.runtime)
        assert count < 50
    return count


def objects(aws: Aws) -> list[str]:
    return [
        found["Key"]
        for bucket in ("UPLOADS_BUCKET", "RESULTS_BUCKET")
        for found in aws.client("s3").list_objects_v2(Bucket=aws.settings[bucket]).get("Contents", [])
    ]


def rows_about(aws: Aws, video_id: str) -> list[str]:
    return [
        item["sk"]["S"]
        for item in aws.items("data")
        if video_id in item["pk"]["S"] and "PROCESS" not in item["pk"]["S"]
    ]


def test_a_deleted_video_is_gone_with_all_that_was_found_in_it(studio: Studio) -> None:
    aws = studio.aws
    video_id = ready_video(aws, studio.workspace_id, [(0, 1_000, "Hello there.")])
    aws.upload(f"{studio.workspace_id}/{video_id}/source", b"a video")
    other = ready_video(aws, studio.workspace_id, [(0, 1_000, "Goodbye.")])

    answer = studio.delete_video(video_id)

    assert (answer.status, answer.json["status"]) == (202, "deleting")
    assert answer.headers["location"] == studio.video_path(video_id)
    assert studio.video(video_id)["status"] == "deleting"
    for endpoint, name in ((get_timeline.ENDPOINT, "timeline"), (get_chapters.ENDPOINT, "chapters")):
        assert studio.caller.send(endpoint, f"{studio.video_path(video_id)}/{name}").status == 404
    work_off(aws)
    assert studio.caller.send(get_video.ENDPOINT, studio.video_path(video_id)).status == 404
    assert rows_about(aws, video_id) == []
    assert [key for key in objects(aws) if video_id in key] == []
    (event,) = aws.events("VideoDeleted")
    assert event.data == {"workspace_id": studio.workspace_id, "video_id": video_id}
    assert studio.caller.send(get_chapters.ENDPOINT, f"{studio.video_path(other)}/chapters").status == 200
    assert [key for key in objects(aws) if other in key]


def test_search_finds_nothing_of_it_any_more(studio: Studio) -> None:
    aws = studio.aws
    video_id = ready_video(aws, studio.workspace_id, [(0, 1_000, "Nobody expects the marker word quagga.")])
    index_moments_of_videos(aws)
    search = f"{studio.workspace.path}/moments?q=quagga"
    assert studio.caller.send(search_workspace_moments.ENDPOINT, search).json["items"]

    studio.delete_video(video_id)
    index_moments_of_videos(aws)
    assert studio.caller.send(search_workspace_moments.ENDPOINT, search).json["items"] == []

    work_off(aws)
    index_moments_of_videos(aws)
    assert studio.caller.send(search_workspace_moments.ENDPOINT, search).json["items"] == []
    assert objects(aws) == []


def test_conversations_keep_what_was_said_about_it(studio: Studio) -> None:
    video_id = ready_video(studio.aws, studio.workspace_id, [(0, 1_000, "The harvest was in Bordeaux.")])
    conversations = f"{studio.workspace.path}/conversations"
    started = studio.caller.send(start_conversation.ENDPOINT, conversations, {"video_ids": [video_id]})
    questions = f"{started.headers['location']}/questions"
    question = {"question": "Where was the harvest?"}
    answered = studio.caller.send(ask_question.ENDPOINT, questions, question, idempotency_key="first")
    assert answered.json["grounded"]

    studio.delete_video(video_id)
    work_off(studio.aws)

    kept = studio.caller.send(list_conversation_questions.ENDPOINT, questions).json["items"]
    assert [one["answer"] for one in kept] == [answered.json["answer"]]
    again = studio.caller.send(ask_question.ENDPOINT, questions, question, idempotency_key="second")
    assert again.status >= 400 or not again.json["grounded"]


def test_its_analysis_is_cancelled_and_free(studio: Studio, clip: bytes) -> None:
    pools = studio.pools()
    video_id = studio.uploaded_video(clip)
    analysis_id = studio.requested_analysis(video_id)

    assert studio.delete_video(video_id).status == 202

    assert studio.analysis(video_id, analysis_id)["status"] == "cancelled"
    assert studio.pools() == pools
    work_off(studio.aws)
    assert studio.tell_outcome(video_id, analysis_id, manifest_key="k", duration_ms=1_500)
    assert rows_about(studio.aws, video_id) == []
    assert studio.pools() == pools


def test_what_a_cancelled_worker_writes_late_is_removed_too(studio: Studio, clip: bytes) -> None:
    aws = studio.aws
    video_id = studio.uploaded_video(clip)
    studio.requested_analysis(video_id)
    studio.delete_video(video_id)
    late: str | None = f"{studio.workspace_id}/{video_id}/an-analysis/v1/keyframes/shot-0001.jpg"

    for message in turns(aws):
        deliver(remove_deleted_video.SUBSCRIBER, message, aws.runtime)
        if late is not None and aws.events("VideoDeleted"):
            aws.put_result(late, b"late")
            late = None

    assert late is None
    assert objects(aws) == []
    waits = [one.destination.delay_seconds for one in aws.commands(DELETION.queue_name) if one.destination]
    assert max(waits) >= 60


def test_an_upload_that_comes_after_the_deletion_is_removed(studio: Studio, clip: bytes) -> None:
    video_id = studio.create_video()
    studio.delete_video(video_id)
    work_off(studio.aws)

    assert studio.upload(video_id, clip)

    assert objects(studio.aws) == []


def test_a_video_with_many_objects_and_analyses_is_removed_in_turns(studio: Studio) -> None:
    aws = studio.aws
    video_id = ready_video(aws, studio.workspace_id, [(0, 1_000, "Hello there.")])
    for number in range(205):
        aws.put_result(f"{studio.workspace_id}/{video_id}/a/v1/keyframes/shot-{number:04}.jpg", b"x")
    studio.delete_video(video_id)

    assert work_off(aws) >= 5

    assert objects(aws) == []
    assert len(aws.events("VideoDeleted")) == 1


def test_deleting_twice_deletes_once(studio: Studio, clip: bytes) -> None:
    video_id = studio.uploaded_video(clip)

    assert studio.delete_video(video_id).status == 202
    assert studio.delete_video(video_id).status == 202
    work_off(studio.aws)

    assert studio.delete_video(video_id).status == 404
    assert len(studio.aws.events("VideoDeleted")) == 1


def test_nothing_is_begun_with_a_video_that_is_being_deleted(studio: Studio, clip: bytes) -> None:
    video_id = studio.uploaded_video(clip)
    studio.delete_video(video_id)

    refused = studio.request_analysis(video_id)

    assert (refused.status, refused.problem) == (409, "conflict")


def test_who_saw_an_older_state_deletes_nothing(studio: Studio) -> None:
    video_id = studio.create_video()
    path = studio.video_path(video_id)
    old = studio.caller.send(get_video.ENDPOINT, path).headers["etag"]
    studio.caller.send(update_video.ENDPOINT, path, {"title": "New"}, headers={"If-Match": old})

    assert studio.caller.send(delete_video.ENDPOINT, path, headers={"If-Match": old}).status == 412
    assert studio.video(video_id)["status"] == "awaiting_upload"


def test_it_leaves_the_list(studio: Studio) -> None:
    aws = studio.aws
    gone, kept = studio.create_video(), studio.create_video()
    studio.delete_video(gone)
    work_off(aws)
    changes = [from_bus(event) for event in aws.events("VideoChanged")]

    for change in reversed(changes):
        assert deliver(project_videos.SUBSCRIBER, change, aws.runtime)

    page = studio.caller.send(list_videos.ENDPOINT, f"{studio.videos_path}?include_total=true").json
    assert [video["video_id"] for video in page["items"]] == [kept]
    assert page["total_count"] == 1


def test_another_workspaces_video_is_not_found(studio: Studio) -> None:
    video_id = studio.create_video()
    other = open_workspace(studio.aws)

    refused = Caller(studio.aws.runtime, other.owner).send(delete_video.ENDPOINT, f"{other.path}/videos/{video_id}")

    assert refused.status == 404
    assert studio.video(video_id)["status"] == "awaiting_upload"
    assert studio.aws.commands(DELETION.queue_name) == []
