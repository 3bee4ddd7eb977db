import base64
import json

import pytest

from functions.videos.commands import create_video
from functions.videos.queries import get_video
from shared.kernel.principals import User
from tests.support.aws import Aws
from tests.support.http import Caller
from tests.support.videos import Studio

BODY = {"file_name": "Holiday.mp4", "content_type": "video/mp4", "size_bytes": 1234}


def test_a_video_is_announced_and_its_upload_signed(aws: Aws) -> None:
    studio = Studio(aws)

    answer = studio.caller.send(create_video.ENDPOINT, studio.videos_path, BODY)

    assert answer.status == 201
    video, upload = answer.json["video"], answer.json["upload"]
    assert answer.headers["location"] == studio.video_path(video["video_id"])
    assert (video["status"], video["title"], video["duration_ms"]) == ("awaiting_upload", "Holiday", None)
    assert upload["expires_at"] == "2026-03-01T13:00:00.000Z"
    assert studio.video(video["video_id"]) == video


def test_s3_is_told_to_take_this_object_only(aws: Aws) -> None:
    studio = Studio(aws)

    answer = studio.caller.send(create_video.ENDPOINT, studio.videos_path, BODY)

    fields = answer.json["upload"]["fields"]
    policy = json.loads(base64.b64decode(fields["policy"]))
    key = f"{studio.workspace_id}/{answer.json['video']['video_id']}/source"
    assert ["content-length-range", 1, 1234] in policy["conditions"]
    assert {"key": key} in policy["conditions"]
    assert {"Content-Type": "video/mp4"} in policy["conditions"]
    assert fields["key"] == key
    assert fields["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_the_event_names_no_file(aws: Aws) -> None:
    studio = Studio(aws)
    studio.create_video(file_name="My secret wedding.mp4")

    (event,) = aws.events("VideoCreated")

    assert "wedding" not in json.dumps(event.detail())
    assert event.data["workspace_id"] == studio.workspace_id


def test_the_same_key_makes_one_video_with_a_fresh_signature(aws: Aws) -> None:
    studio = Studio(aws)
    first = studio.caller.send(create_video.ENDPOINT, studio.videos_path, BODY, idempotency_key="k")
    aws.clock.advance(minutes=30)

    second = studio.caller.send(create_video.ENDPOINT, studio.videos_path, BODY, idempotency_key="k")

    assert second.headers["idempotent-replayed"] == "true"
    assert second.json["video"] == first.json["video"]
    assert second.json["upload"]["expires_at"] > first.json["upload"]["expires_at"]
    assert len(aws.events("VideoCreated")) == 1


@pytest.mark.parametrize(
    ("change", "status", "problem"),
    [
        ({"content_type": "text/plain"}, 415, "unsupported-media-type"),
        ({"content_type": "audio/mpeg"}, 415, "unsupported-media-type"),
        ({"size_bytes": 500 * 1024 * 1024 + 1}, 413, "payload-too-large"),
        ({"size_bytes": 10**30}, 413, "payload-too-large"),
        ({"size_bytes": 0}, 422, "validation-failed"),
        ({"size_bytes": -5}, 422, "validation-failed"),
        ({"size_bytes": "12"}, 422, "validation-failed"),
        ({"size_bytes": 1.5}, 422, "validation-failed"),
        ({"file_name": " "}, 422, "validation-failed"),
        ({"file_name": "a\x00b.mp4"}, 422, "validation-failed"),
        ({"title": "x" * 201}, 422, "validation-failed"),
        ({"project_id": "019ca945-0a00-7000-b36b-febdcfafe3a7"}, 422, "validation-failed"),
        ({"owner": "me"}, 422, "validation-failed"),
    ],
)
def test_what_cant_be_a_video_is_refused(aws: Aws, change: dict[str, object], status: int, problem: str) -> None:
    studio = Studio(aws)

    answer = studio.caller.send(create_video.ENDPOINT, studio.videos_path, BODY | change)

    assert (answer.status, answer.problem) == (status, problem)
    assert not aws.events("VideoCreated")


def test_a_file_name_of_dots_is_a_title_too(aws: Aws) -> None:
    studio = Studio(aws)

    assert studio.video(studio.create_video(file_name="..."))["title"]


def test_a_video_of_another_workspace_is_not_there(aws: Aws) -> None:
    mine, theirs = Studio(aws), Studio(aws)
    video_id = mine.create_video()
    never = mine.caller.send(get_video.ENDPOINT, mine.video_path(aws.ids.new()))

    through_theirs = theirs.caller.send(get_video.ENDPOINT, theirs.video_path(video_id))
    through_mine = theirs.caller.send(get_video.ENDPOINT, mine.video_path(video_id))

    for answer in (through_theirs, through_mine):
        assert (answer.status, answer.json["detail"]) == (404, never.json["detail"])


def test_nobody_in_particular_is_asked_to_log_in(aws: Aws) -> None:
    studio = Studio(aws)

    assert Caller(aws.runtime).send(create_video.ENDPOINT, studio.videos_path, BODY).status == 401


def test_a_stranger_doesnt_see_the_workspace(aws: Aws) -> None:
    studio = Studio(aws)
    stranger = Caller(aws.runtime, User(user_id=aws.ids.new(), session_id=aws.ids.new()))

    assert stranger.send(create_video.ENDPOINT, studio.videos_path, BODY).status == 404
