import pytest

from functions.billing.adapters.rows import POOL, credits_partition
from functions.billing.public import FREE, RatedFeature
from functions.videos.commands import request_analysis
from functions.videos.queries import estimate_analysis, get_analysis, list_analyses
from shared.persistence.rows import key_of
from tests.support.aws import Aws
from tests.support.videos import Studio, with_query


def test_what_it_costs_is_held(aws: Aws, longer_clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(longer_clip)

    answer = studio.request_analysis(video_id)

    assert answer.status == 202
    analysis = answer.json
    assert answer.headers["location"] == f"{studio.analyses_path(video_id)}/{analysis['analysis_id']}"
    assert (analysis["status"], analysis["progress"], analysis["credits_held"]) == ("queued", 0.0, 9)
    assert analysis["features"] == ["shots", "text", "speech"]
    assert analysis["deadline_at"] == "2026-03-01T12:15:00.000Z"
    assert studio.analysis(video_id, analysis["analysis_id"]) == analysis
    assert studio.pools()["transcription"] == (57, 3)
    assert studio.video(video_id)["status"] == "analysing"
    (event,) = aws.events("AnalysisRequested")
    assert event.data["credits_held"] == {"video_analysis": 3, "text_recognition": 3, "transcription": 3}


def test_the_estimate_is_what_is_held_later(aws: Aws, longer_clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(longer_clip)
    path = f"{studio.analyses_path(video_id)}/estimate"

    answer = studio.caller.send(estimate_analysis.ENDPOINT, path, {"features": ["shots", "speech"]})

    assert answer.json == {"credits": 6, "by_feature": {"video_analysis": 3, "transcription": 3}}
    assert studio.pools()["transcription"] == (60, 0)
    assert studio.request_analysis(video_id, features=["shots", "speech"]).json["credits_held"] == 6


def test_speech_of_a_silent_video_needs_no_credits(aws: Aws, silent_clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(silent_clip)
    spend_all(aws, studio)
    path = f"{studio.analyses_path(video_id)}/estimate"

    estimates = [
        studio.caller.send(estimate_analysis.ENDPOINT, path, {"features": features}).json
        for features in (["shots", "speech"], ["speech"])
    ]

    assert estimates == [{"credits": 1, "by_feature": {"video_analysis": 1}}, {"credits": 0, "by_feature": {}}]
    requested = studio.request_analysis(video_id, features=["speech"], max_credits=0)
    assert (requested.status, requested.json["credits_held"]) == (202, 0)
    assert studio.tell_outcome(video_id, requested.json["analysis_id"], manifest_key="m", duration_ms=1500)
    ended = studio.analysis(video_id, requested.json["analysis_id"])
    assert (ended["status"], ended["credits_charged"]) == ("completed", 0)


def test_a_key_is_required(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)

    answer = studio.caller.send(request_analysis.ENDPOINT, studio.analyses_path(video_id), {})

    assert (answer.status, answer.problem) == (400, "idempotency-key-required")


def test_the_same_key_makes_one_analysis(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)

    first, second = studio.request_analysis(video_id), studio.request_analysis(video_id)

    assert second.json == first.json
    assert second.status == 202
    assert second.headers["idempotent-replayed"] == "true"
    assert studio.pools()["transcription"] == (59, 1)


def test_another_key_while_it_runs_is_a_conflict(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    studio.requested_analysis(video_id)

    answer = studio.request_analysis(video_id, key="another")

    assert (answer.status, answer.problem) == (409, "conflict")
    assert studio.pools()["transcription"] == (59, 1)


def test_before_the_upload_there_is_nothing_to_analyse(aws: Aws) -> None:
    studio = Studio(aws)

    answer = studio.request_analysis(studio.create_video())

    assert (answer.status, answer.problem) == (409, "conflict")


def test_a_rejected_upload_tells_why(aws: Aws) -> None:
    studio = Studio(aws)

    answer = studio.request_analysis(studio.uploaded_video(b"a text" * 100))

    assert answer.status == 409
    assert "not_a_video" in answer.json["detail"]


def test_short_credits_hold_nothing(aws: Aws, longer_clip: bytes) -> None:
    studio = Studio(aws)
    for number in range(20):
        video_id = studio.uploaded_video(longer_clip)
        studio.requested_analysis(video_id, key=f"key-{number}", features=["speech"])
    video_id = studio.uploaded_video(longer_clip)

    answer = studio.request_analysis(video_id, key="one-too-many", features=["shots", "speech"])

    assert (answer.status, answer.problem) == (402, "insufficient-credits")
    assert (answer.json["required"], answer.json["available"]) == (3, 0)
    assert studio.pools()["video_analysis"] == (60, 0)
    assert studio.video(video_id)["status"] == "uploaded"


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"features": ["shots", "shots"]}, "/features/1"),
        ({"features": []}, "/features"),
        ({"features": ["smells"]}, "/features/0"),
        ({"features": "shots"}, "/features"),
        ({"mode": "slow"}, "/mode"),
        ({"max_credits": 2}, "/max_credits"),
        ({"max_credits": -1}, "/max_credits"),
        ({"video_id": "x"}, "/video_id"),
    ],
)
def test_what_cant_be_done_is_told_by_field(aws: Aws, clip: bytes, body: dict[str, object], pointer: str) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)

    answer = studio.caller.send(
        request_analysis.ENDPOINT, studio.analyses_path(video_id), body, idempotency_key="a-key"
    )

    assert (answer.status, answer.problem) == (422, "validation-failed")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]
    assert not aws.events("AnalysisRequested")


def test_the_most_that_one_wants_to_spend_may_be_what_it_costs(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)

    assert studio.request_analysis(studio.uploaded_video(clip), max_credits=3).status == 202


def test_emotion_is_for_those_who_ask_for_it(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)

    asked = studio.request_analysis(studio.uploaded_video(clip), key="a", features=["emotion"])
    not_asked = studio.request_analysis(studio.uploaded_video(clip), key="b")

    assert (asked.status, asked.json["features"]) == (202, ["emotion"])
    assert studio.pools()["people_detection"][1] == 1
    assert "emotion" not in not_asked.json["features"]


def test_an_analysis_of_another_workspace_is_not_there(aws: Aws, clip: bytes) -> None:
    mine, theirs = Studio(aws), Studio(aws)
    video_id = mine.uploaded_video(clip)
    analysis_id = mine.requested_analysis(video_id)

    path = f"{theirs.analyses_path(video_id)}/{analysis_id}"

    assert theirs.caller.send(get_analysis.ENDPOINT, path).status == 404
    assert theirs.request_analysis(video_id).status == 404
    assert theirs.caller.send(list_analyses.ENDPOINT, theirs.analyses_path(video_id)).status == 404


def test_a_videos_analyses_are_listed_newest_first(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    made = []
    for number in range(3):
        analysis_id = studio.requested_analysis(video_id, key=f"key-{number}")
        studio.tell_outcome(video_id, analysis_id, reason="corrupt", detail="Damaged.")
        aws.clock.advance(minutes=1)
        made.append(analysis_id)

    path = with_query(studio.analyses_path(video_id), limit=2)
    first = studio.caller.send(list_analyses.ENDPOINT, path).json
    path = with_query(studio.analyses_path(video_id), limit=2, cursor=first["next_cursor"])
    second = studio.caller.send(list_analyses.ENDPOINT, path).json

    listed = [item["analysis_id"] for page in (first, second) for item in page["items"]]
    assert listed == made[::-1]
    assert second["next_cursor"] is None


def test_a_limit_comes_before_the_body_and_the_body_before_the_credits(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    spend_all(aws, studio)

    def problem(**body: object) -> str:
        return studio.request_analysis(video_id, key=aws.ids.new(), **body).problem

    assert problem(features=["no such"]) == "validation-failed"
    for _ in range(FREE.rates.features[RatedFeature.ANALYSES] - 1):
        assert problem() == "insufficient-credits"
    assert problem() == problem(features=["no such"]) == "rate-limited", "what was refused for other reasons counts"


def spend_all(aws: Aws, studio: Studio) -> None:
    aws.client("dynamodb").update_item(
        TableName=aws.settings.table("data"),
        Key=key_of(credits_partition(studio.workspace_id), f"{POOL}transcription"),
        UpdateExpression="SET balance = :none",
        ExpressionAttributeValues={":none": {"N": "0"}},
    )
