from functions.videos.domain.video import VideoStatus
from functions.videos.queries import list_videos
from tests.support.analysed_videos import add_video
from tests.support.aws import Aws
from tests.support.http import Answer
from tests.support.projecting import project
from tests.support.videos import Studio, with_query


def listed(studio: Studio, **query: object) -> Answer:
    return studio.caller.send(list_videos.ENDPOINT, with_query(studio.videos_path, **query))


def ids(answer: Answer) -> list[str]:
    assert answer.status == 200, answer
    return [one["video_id"] for one in answer.json["items"]]


def test_a_workspace_lists_its_own_videos_newest_first(aws: Aws) -> None:
    studio, other = Studio(aws), Studio(aws)
    made = [studio.create_video(title=f"Clip {number}") for number in range(3)]
    other.create_video()
    project(aws)
    answer = listed(studio)
    assert ids(answer) == made[::-1]
    assert answer.json["items"][0] == studio.video(made[2])
    assert (answer.json["next_cursor"], answer.json["as_of"]) == (None, "2026-03-01T12:00:00.000Z")
    assert len(ids(listed(other))) == 1
    assert other.caller.send(list_videos.ENDPOINT, studio.videos_path).problem == "not-found"


def test_a_walk_sees_what_was_there_at_its_start_once(aws: Aws) -> None:
    studio = Studio(aws)
    made = [studio.create_video() for _ in range(5)]
    project(aws)
    first = listed(studio, limit=2)
    studio.create_video()
    project(aws)
    second = listed(studio, limit=2, cursor=first.json["next_cursor"])
    third = listed(studio, limit=2, cursor=second.json["next_cursor"])
    assert ids(first) + ids(second) + ids(third) == made[::-1]
    assert third.json["next_cursor"] is None


def test_a_full_last_page_is_the_last(aws: Aws) -> None:
    studio = Studio(aws)
    for _ in range(2):
        studio.create_video()
    project(aws)
    assert listed(studio, limit=2).json["next_cursor"] is None


def test_a_cursor_is_of_its_own_list_alone(aws: Aws) -> None:
    studio, other = Studio(aws), Studio(aws)
    for one in (studio, other):
        for _ in range(2):
            one.create_video()
    project(aws)
    cursor = listed(studio, limit=1).json["next_cursor"]
    assert listed(other, limit=1, cursor=cursor).problem == "malformed-request"
    assert listed(studio, limit=1, cursor=cursor, status="ready").problem == "malformed-request"
    assert listed(studio, limit=1, cursor=cursor[:-2] + "AA").problem == "malformed-request"


def test_videos_are_found_by_their_status_and_counted(aws: Aws) -> None:
    studio = Studio(aws)
    ready = [add_video(aws, studio.workspace_id, VideoStatus.READY) for _ in range(3)]
    for _ in range(4):
        studio.create_video()
        ready.append(add_video(aws, studio.workspace_id, VideoStatus.READY))
    project(aws)
    page = listed(studio, status="ready", limit=4, include_total="true")
    assert ids(page) == ready[:2:-1]
    assert page.json["total_count"] == 7
    rest = listed(studio, status="ready", limit=4, cursor=page.json["next_cursor"])
    assert ids(rest) == ready[2::-1]
    assert listed(studio, include_total="true").json["total_count"] == 11
    assert ids(listed(studio, status="rejected")) == []
    assert listed(studio, status="lost").problem == "validation-failed"


def test_a_list_that_lags_shows_no_video_under_a_status_it_left(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.create_video()
    project(aws)
    assert studio.upload(video_id, clip)
    assert ids(listed(studio, status="awaiting_upload")) == []
    (shown,) = listed(studio).json["items"]
    assert shown["status"] == "uploaded"
    project(aws)
    assert ids(listed(studio, status="uploaded")) == [video_id]


def test_every_change_of_a_video_is_told_with_its_version(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    analysis_id = studio.requested_analysis(video_id)
    assert studio.tell_outcome(video_id, analysis_id, reason="unreadable_video", detail="It can't be decoded.")
    told = [(one.metadata.aggregate, one.data) for one in aws.events("VideoChanged")]
    assert [(data["status"], data["active_analysis_id"]) for _, data in told] == [
        ("awaiting_upload", None),
        ("uploaded", None),
        ("analysing", analysis_id),
        ("uploaded", None),
    ]
    assert [aggregate.version if aggregate else None for aggregate, _ in told] == [1, 2, 3, 4]
