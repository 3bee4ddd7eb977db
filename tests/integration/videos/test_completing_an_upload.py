from functions.videos.commands import create_video
from functions.videos.domain.video import upload_key
from tests.support.aws import Aws
from tests.support.videos import Studio

TEXT = b"This is a text, whatever its name says.\n" * 100


def test_an_upload_is_examined(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)

    video = studio.video(studio.uploaded_video(clip))

    assert video["status"] == "uploaded"
    assert (video["duration_ms"], video["width"], video["height"]) == (1500, 320, 180)
    (event,) = aws.events("VideoUploaded")
    assert event.data["duration_ms"] == 1500


def test_its_event_belongs_to_the_story_of_the_request(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    body = {"file_name": "clip.mp4", "content_type": "video/mp4", "size_bytes": 10_000_000}
    answer = studio.caller.send(
        create_video.ENDPOINT, studio.videos_path, body, headers={"X-Correlation-Id": "the-story"}
    )

    studio.upload(answer.json["video"]["video_id"], clip)

    (event,) = aws.events("VideoUploaded")
    assert event.metadata.correlation_id == "the-story"


def test_a_text_is_rejected(aws: Aws) -> None:
    studio = Studio(aws)

    video = studio.video(studio.uploaded_video(TEXT))

    assert video["status"] == "rejected"
    assert video["rejection"]["reason"] == "not_a_video"
    assert "MP4" in video["rejection"]["message"]
    (event,) = aws.events("VideoRejected")
    assert event.data["reason"] == "not_a_video"


def test_a_truncated_video_is_rejected(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)

    video = studio.video(studio.uploaded_video(clip[: len(clip) // 2]))

    assert video["rejection"]["reason"] == "truncated_video"


def test_a_file_that_ends_the_process_each_time_is_rejected_at_last(aws: Aws, clip: bytes) -> None:
    """Its message comes back again and again without ever being reported as failed."""
    studio = Studio(aws)
    video_id = studio.create_video()
    key = f"{studio.workspace_id}/{video_id}/source"
    aws.upload(key, clip)

    assert studio.tell_of_upload(key, delivery=4)

    assert studio.video(video_id)["rejection"]["reason"] == "unreadable"


def test_the_same_event_twice_has_one_effect(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.create_video()

    assert studio.upload(video_id, clip, event_id="e1")
    assert studio.upload(video_id, clip, event_id="e1")

    assert len(aws.events("VideoUploaded")) == 1


def test_another_event_of_the_same_file_has_no_effect(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)

    assert studio.tell_of_upload(upload_key(studio.workspace_id, video_id))

    assert len(aws.events("VideoUploaded")) == 1


def test_a_second_upload_replaces_a_rejected_one(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(TEXT)

    studio.upload(video_id, clip)

    video = studio.video(video_id)
    assert (video["status"], video["rejection"]) == ("uploaded", None)


def test_an_upload_during_the_analysis_changes_nothing(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    studio.requested_analysis(video_id)

    assert studio.upload(video_id, TEXT)

    assert studio.video(video_id)["status"] == "analysing"


def test_objects_that_belong_to_no_video_are_passed_over(aws: Aws) -> None:
    studio = Studio(aws)
    video_id = studio.create_video()

    for key in ("source", "a/b", f"{studio.workspace_id}/{video_id}/other", f"{studio.workspace_id}/nobody/source"):
        assert studio.tell_of_upload(key)

    assert studio.video(video_id)["status"] == "awaiting_upload"


def test_an_object_that_is_gone_is_passed_over(aws: Aws) -> None:
    studio = Studio(aws)
    video_id = studio.create_video()

    assert studio.tell_of_upload(upload_key(studio.workspace_id, video_id))

    assert studio.video(video_id)["status"] == "awaiting_upload"
