from dataclasses import replace

import pytest

from functions.videos.domain.media import MediaInfo, Rejection, RejectionReason, judge
from functions.videos.domain.video import Video, VideoStatus, check_upload
from shared.kernel.errors import Conflict, PayloadTooLarge, UnsupportedMediaType
from shared.kernel.result import Failure, Success

MEDIA = MediaInfo(duration_ms=55_000, width=1280, height=720, has_audio=True)
CREATED = Video(
    workspace_id="w",
    video_id="v",
    title="A clip",
    file_name="clip.mp4",
    content_type="video/mp4",
    size_bytes=1000,
    created_by="user:u",
    created_at="2026-03-01T12:00:00.000Z",
    correlation_id="c",
)
UPLOADED = CREATED.uploaded(MEDIA, "e1")


def analysing(video: Video, analysis_id: str = "a1") -> Video:
    begun = video.begin_analysis(analysis_id)
    assert isinstance(begun, Success)
    return begun.value


def test_a_video_isnt_analysed_before_its_upload() -> None:
    assert CREATED.begin_analysis("a1") == Failure(Conflict("The video isn't uploaded yet."))


def test_a_rejected_video_tells_why_it_isnt_analysed() -> None:
    rejected = CREATED.rejected(Rejection(RejectionReason.NO_VIDEO_STREAM), "e1")

    begun = rejected.begin_analysis("a1")

    assert isinstance(begun, Failure)
    assert isinstance(begun.error, Conflict)
    assert "no_video_stream" in begun.error.detail


def test_one_analysis_at_a_time() -> None:
    second = analysing(UPLOADED).begin_analysis("a2")

    assert isinstance(second, Failure)
    assert "a1" in second.error.detail


def test_a_failed_first_analysis_leaves_an_uploaded_video() -> None:
    ended = analysing(UPLOADED).end_analysis("a1", completed=False)

    assert (ended.status, ended.current_analysis_id, ended.active_analysis_id) == (VideoStatus.UPLOADED, None, None)


def test_a_failed_rerun_leaves_the_results_there_were() -> None:
    ready = analysing(UPLOADED).end_analysis("a1", completed=True)

    ended = analysing(ready, "a2").end_analysis("a2", completed=False)

    assert (ended.status, ended.current_analysis_id) == (VideoStatus.READY, "a1")


def test_a_rerun_replaces_the_results() -> None:
    ready = analysing(UPLOADED).end_analysis("a1", completed=True)

    assert analysing(ready, "a2").end_analysis("a2", completed=True).current_analysis_id == "a2"


def test_a_good_upload_mends_a_rejected_one() -> None:
    mended = CREATED.rejected(Rejection(RejectionReason.NOT_A_VIDEO), "e1").uploaded(MEDIA, "e2")

    assert (mended.status, mended.rejection) == (VideoStatus.UPLOADED, None)


@pytest.mark.parametrize("status", VideoStatus)
def test_uploads_count_until_something_was_made_of_them(status: VideoStatus) -> None:
    too_late = status in (VideoStatus.ANALYSING, VideoStatus.READY, VideoStatus.DELETING)

    assert replace(CREATED, status=status).takes_uploads is not too_late


def test_other_files_than_videos_arent_uploaded() -> None:
    refusal = check_upload("text/plain", 10, max_upload_bytes=100)

    assert isinstance(refusal, UnsupportedMediaType)
    assert "video/mp4" in refusal.detail


def test_an_upload_may_be_as_large_as_the_tier_allows_and_no_larger() -> None:
    assert check_upload("video/mp4", 100, max_upload_bytes=100) is None
    assert isinstance(check_upload("video/mp4", 101, max_upload_bytes=100), PayloadTooLarge)


def test_a_video_may_be_as_long_as_the_tier_allows_and_no_longer() -> None:
    longest = replace(MEDIA, duration_ms=30 * 60_000)

    assert judge(longest, max_minutes=30) is None
    assert judge(replace(longest, duration_ms=30 * 60_000 + 1), max_minutes=30) == Rejection(RejectionReason.TOO_LONG)


def test_a_picture_beyond_8k_is_rejected() -> None:
    assert judge(replace(MEDIA, width=20_000, height=20_000), 30) == Rejection(RejectionReason.PICTURE_TOO_LARGE)


@pytest.mark.parametrize("reason", RejectionReason)
def test_every_rejection_has_a_sentence(reason: RejectionReason) -> None:
    assert Rejection(reason).message.endswith(".")
