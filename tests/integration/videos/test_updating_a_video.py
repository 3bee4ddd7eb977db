import pytest

from functions.videos.commands import update_video
from functions.videos.queries import get_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.videos import Studio
from tests.support.workspaces import open_workspace


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws)


def etag(studio: Studio, video_id: str) -> str:
    return studio.caller.send(get_video.ENDPOINT, studio.video_path(video_id)).headers["etag"]


def rename(studio: Studio, video_id: str, title: str, if_match: str | None) -> Answer:
    headers = {} if if_match is None else {"If-Match": if_match}
    return studio.caller.send(update_video.ENDPOINT, studio.video_path(video_id), {"title": title}, headers=headers)


def test_who_saw_the_video_may_rename_it(studio: Studio) -> None:
    video_id = studio.create_video()

    answer = rename(studio, video_id, "Harvest", etag(studio, video_id))

    assert (answer.status, answer.json["title"]) == (200, "Harvest")
    assert studio.video(video_id) == answer.json
    assert answer.headers["etag"] == etag(studio, video_id)


def test_a_tag_among_others_and_a_star_match(studio: Studio) -> None:
    video_id = studio.create_video()

    assert rename(studio, video_id, "Harvest", f'"other", {etag(studio, video_id)}').status == 200
    assert rename(studio, video_id, "Vintage", "*").status == 200


def test_who_saw_an_older_one_is_refused(studio: Studio) -> None:
    video_id = studio.create_video()
    old = etag(studio, video_id)
    rename(studio, video_id, "Harvest", old)

    refused = rename(studio, video_id, "Vintage", old)

    assert (refused.status, refused.problem) == (412, "precondition-failed")
    assert studio.video(video_id)["title"] == "Harvest"


def test_a_weak_tag_proves_nothing(studio: Studio) -> None:
    video_id = studio.create_video()

    assert rename(studio, video_id, "Harvest", f"W/{etag(studio, video_id)}").status == 412


def test_who_says_nothing_is_asked_what_they_saw(studio: Studio) -> None:
    video_id = studio.create_video()

    refused = rename(studio, video_id, "Harvest", None)

    assert (refused.status, refused.problem) == (428, "precondition-required")


@pytest.mark.parametrize("title", ["", "   ", "a\nb", "x" * 201])
def test_a_title_is_a_line_of_text(studio: Studio, title: str) -> None:
    video_id = studio.create_video()

    refused = rename(studio, video_id, title, "*")

    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, "/title")


def test_another_workspaces_video_is_not_found(studio: Studio) -> None:
    video_id = studio.create_video()
    other = open_workspace(studio.aws)

    refused = Caller(studio.aws.runtime, other.owner).send(
        update_video.ENDPOINT, f"{other.path}/videos/{video_id}", {"title": "Mine"}, headers={"If-Match": "*"}
    )

    assert refused.status == 404
