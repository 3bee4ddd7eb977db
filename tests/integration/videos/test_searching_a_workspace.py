import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from functions.videos.adapters import moment_index
from functions.videos.adapters.rows import VIDEO, VideoRow, video_partition
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.queries import search_workspace_moments
from functions.videos.subscribers import index_moments
from shared.cqrs.pipeline import Context
from tests.support.analysed_videos import ready_video
from tests.support.aws import Aws, CountedCalls
from tests.support.http import Answer, Caller
from tests.support.indexing import index_moments_of_videos
from tests.support.queues import deliver, from_bus
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, open_workspace

BREAD = ((0, 4_000, "Today we are baking sourdough bread."), (4_000, 9_000, "Mix the flour with the water."))
ETNA = ((0, 5_000, "Mount Etna is a volcano."), (5_000, 9_000, "Ash fell on the bread of Catania."))
SHIP = ((0, 3_000, "The ship left the harbour at noon."),)


@pytest.fixture
def workspace(aws: Aws) -> OwnedWorkspace:
    return open_workspace(aws)


def find(aws: Aws, workspace: OwnedWorkspace, **fields: object) -> Answer:
    path = with_query(f"{workspace.path}/moments", **fields)
    return Caller(aws.runtime, workspace.owner).send(search_workspace_moments.ENDPOINT, path)


def found(aws: Aws, workspace: OwnedWorkspace, **fields: object) -> list[tuple[str, str]]:
    answer = find(aws, workspace, **fields)
    assert answer.status == 200, answer
    return [(one["video_id"], one["snippet"]) for one in answer.json["items"]]


def show(aws: Aws, workspace: OwnedWorkspace, video_id: str, analysis_id: str | None) -> None:
    """Make another analysis, or none, the video's current one."""
    now = aws.clock.now()
    context = Context(
        message_id=aws.ids.new(), correlation_id="c", received_at=now, deadline=now + timedelta(seconds=28)
    )
    uow = aws.runtime.begin(context)
    video = read_video(uow.store, workspace.workspace_id, video_id)
    assert video is not None
    Videos(uow).save(replace(video, current_analysis_id=analysis_id))
    uow.commit()


def stored_tables(aws: Aws, workspace: OwnedWorkspace) -> list[str]:
    prefix = f"{workspace.workspace_id}/index/"
    answer = aws.client("s3").list_objects_v2(Bucket=aws.settings["RESULTS_BUCKET"], Prefix=prefix)
    return [one["Key"] for one in answer.get("Contents", ())]


def test_moments_of_all_videos_are_found_best_first(aws: Aws, workspace: OwnedWorkspace) -> None:
    bread = ready_video(aws, workspace.workspace_id, BREAD)
    etna = ready_video(aws, workspace.workspace_id, ETNA)
    assert found(aws, workspace, q="bread") == []
    index_moments_of_videos(aws)
    assert found(aws, workspace, q="baking bread")[:2] == [(bread, BREAD[0][2]), (etna, ETNA[1][2])]
    assert found(aws, workspace, q="an eruption")[0] == (etna, ETNA[0][2])
    assert found(aws, workspace, q="quantum chromodynamics") == []


def test_what_is_found_says_where_it_is(aws: Aws, workspace: OwnedWorkspace) -> None:
    ship = ready_video(aws, workspace.workspace_id, SHIP)
    index_moments_of_videos(aws)
    (moment,) = find(aws, workspace, q="harbours").json["items"]
    assert moment == {
        "video_id": ship,
        "segment_id": "speech-0001",
        "start_ms": 0,
        "end_ms": 3_000,
        "score": moment["score"],
        "kind": "speech",
        "snippet": SHIP[0][2],
        "highlights": [[18, 25]],
    }


def test_filters_leave_out_what_is_not_asked_for(aws: Aws, workspace: OwnedWorkspace) -> None:
    ready_video(aws, workspace.workspace_id, ETNA)
    index_moments_of_videos(aws)
    assert len(found(aws, workspace, q="bread", kind="speech")) == 1
    assert found(aws, workspace, q="bread", kind="text") == []
    assert found(aws, workspace, q="bread", to_ms=5_000) == []
    assert len(found(aws, workspace, q="bread", from_ms=5_000, to_ms=6_000)) == 1
    assert found(aws, workspace, q="bread", label="car") == []


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({}, "/q"),
        ({"q": ""}, "/q"),
        ({"q": " \t "}, "/q"),
        ({"q": "x" * 501}, "/q"),
        ({"q": "x", "kind": "smell"}, "/kind"),
        ({"q": "x", "label": " "}, "/label"),
        ({"q": "x", "label": "x" * 101}, "/label"),
        ({"q": "x", "from_ms": -1}, "/from_ms"),
        ({"q": "x", "from_ms": "soon"}, "/from_ms"),
        ({"q": "x", "from_ms": 5, "to_ms": 5}, "/to_ms"),
        ({"q": "x", "limit": 0}, "/limit"),
        ({"q": "x", "limit": 101}, "/limit"),
        ({"q": "x", "project_id": "mine"}, "/project_id"),
        ({"q": "x", "colour": "red"}, "/colour"),
    ],
)
def test_a_search_that_makes_no_sense_is_refused_and_told_why(
    aws: Aws, workspace: OwnedWorkspace, fields: dict[str, object], pointer: str
) -> None:
    answer = find(aws, workspace, **fields)
    assert (answer.status, answer.problem) == (422, "validation-failed")
    assert [error["pointer"] for error in answer.json["errors"]] == [pointer]


@pytest.mark.parametrize(
    "q", ["to be or not to be", "?!…", "🦊", "x" * 500, "<b>bread</b>", "' OR 1=1 --", "\u202eabc"]
)
def test_odd_words_are_searched_as_any_others(aws: Aws, workspace: OwnedWorkspace, q: str) -> None:
    ready_video(aws, workspace.workspace_id, (*BREAD, (9_000, 12_000, "To be, or not to be.")))
    index_moments_of_videos(aws)
    answer = find(aws, workspace, q=q)
    assert answer.status == 200
    if q == "to be or not to be":
        assert answer.json["items"][0]["snippet"] == "To be, or not to be."


def test_filters_hold_together(aws: Aws, workspace: OwnedWorkspace) -> None:
    etna = ready_video(aws, workspace.workspace_id, ETNA)
    ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    both = {"q": "bread ash", "kind": "speech", "from_ms": 4_500, "to_ms": 6_000, "limit": 1}
    assert found(aws, workspace, **both) == [(etna, ETNA[1][2])]
    assert found(aws, workspace, **{**both, "kind": "text"}) == []
    assert found(aws, workspace, **{**both, "from_ms": 9_000, "to_ms": 9_001}) == []


def test_pages_neither_repeat_nor_skip_while_videos_come_in(aws: Aws, workspace: OwnedWorkspace) -> None:
    for _ in range(3):
        ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    expected = [moment["video_id"] for moment in find(aws, workspace, q="sourdough bread").json["items"]]
    seen: list[str] = []
    cursor: dict[str, object] = {}
    page: dict[str, Any] = {}
    for _ in range(len(expected)):
        page = find(aws, workspace, q="sourdough bread", limit=1, **cursor).json
        seen += [moment["video_id"] for moment in page["items"]]
        cursor = {"cursor": page["next_cursor"]}
        ready_video(aws, workspace.workspace_id, ((0, 1_000, "sourdough bread"), *BREAD))
        index_moments_of_videos(aws)
    assert seen == expected
    assert page["next_cursor"] is None


def test_a_cursor_is_good_for_its_own_search_alone(aws: Aws, workspace: OwnedWorkspace) -> None:
    for _ in range(2):
        ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    cursor = find(aws, workspace, q="bread", limit=1).json["next_cursor"]
    assert find(aws, workspace, q="flour", limit=1, cursor=cursor).problem == "malformed-request"
    assert find(aws, workspace, q="bread", kind="speech", cursor=cursor).problem == "malformed-request"
    assert find(aws, open_workspace(aws), q="bread", cursor=cursor).problem == ("malformed-request")


def test_a_rerun_replaces_what_is_found_and_what_is_stored(aws: Aws, workspace: OwnedWorkspace) -> None:
    video = ready_video(aws, workspace.workspace_id, BREAD)
    other = ready_video(aws, workspace.workspace_id, SHIP)
    index_moments_of_videos(aws)
    before = stored_tables(aws, workspace)
    # The results of another analysis of the same video: those of a video made for them, moved.
    source = ready_video(aws, workspace.workspace_id, ETNA)
    row = aws.runtime.store.get(VideoRow, video_partition(workspace.workspace_id, source), VIDEO)
    assert row is not None
    analysis_id = row.current_analysis_id
    s3, bucket = aws.client("s3"), aws.settings["RESULTS_BUCKET"]
    for name in ("manifest.json", "moments.json", "moments.npy"):
        copied = {"Bucket": bucket, "Key": f"{workspace.workspace_id}/{source}/{analysis_id}/v1/{name}"}
        s3.copy_object(
            Bucket=bucket, Key=f"{workspace.workspace_id}/{video}/{analysis_id}/v1/{name}", CopySource=copied
        )
    show(aws, workspace, source, None)
    show(aws, workspace, video, analysis_id)
    index_moments_of_videos(aws)
    assert found(aws, workspace, q="sourdough") == []
    assert found(aws, workspace, q="volcano")[0] == (video, ETNA[0][2])
    assert found(aws, workspace, q="harbour") == [(other, SHIP[0][2])]
    after = stored_tables(aws, workspace)
    assert len(after) == 1
    assert after != before


def test_nothing_of_a_video_that_is_gone_is_found_or_kept(aws: Aws, workspace: OwnedWorkspace) -> None:
    videos = [ready_video(aws, workspace.workspace_id, said) for said in (BREAD, SHIP)]
    index_moments_of_videos(aws)
    show(aws, workspace, videos[0], None)
    index_moments_of_videos(aws)
    assert found(aws, workspace, q="sourdough") == []
    s3, bucket = aws.client("s3"), aws.settings["RESULTS_BUCKET"]
    kept = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in stored_tables(aws, workspace)]
    assert len(kept) == 1
    assert b"sourdough" not in kept[0]
    assert b"harbour" in kept[0]
    show(aws, workspace, videos[1], None)
    index_moments_of_videos(aws)
    assert stored_tables(aws, workspace) == []
    assert found(aws, workspace, q="harbour") == []


def test_the_order_in_which_changes_are_told_does_not_matter(aws: Aws) -> None:
    answers: list[Sequence[Any]] = []
    for order in permutations(range(3)):
        workspace = open_workspace(aws)
        videos = [ready_video(aws, workspace.workspace_id, said) for said in (BREAD, ETNA, SHIP)]
        show(aws, workspace, videos[1], None)
        told = [one for one in aws.events("VideoChanged") if one.metadata.workspace_id == workspace.workspace_id]
        for at in order:
            for event in told:
                if event.data["video_id"] == videos[at]:
                    assert deliver(index_moments.SUBSCRIBER, from_bus(event), aws.runtime)
        answers.append([(videos.index(one), text) for one, text in found(aws, workspace, q="bread ship")])
    assert answers.count(answers[0]) == len(answers)
    assert {text for _, text in answers[0]} == {SHIP[0][2], BREAD[0][2]}


def test_full_tables_take_no_more_videos(aws: Aws, workspace: OwnedWorkspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moment_index, "MAX_VIDEOS", 2)
    videos = [ready_video(aws, workspace.workspace_id, SHIP) for _ in range(5)]
    index_moments_of_videos(aws)
    assert len(stored_tables(aws, workspace)) == 3
    assert {video for video, _ in found(aws, workspace, q="harbour")} == set(videos)
    for video in videos[:4]:
        show(aws, workspace, video, None)
    index_moments_of_videos(aws)
    assert len(stored_tables(aws, workspace)) == 1
    assert [video for video, _ in found(aws, workspace, q="harbour")] == videos[4:]


def asked_of_aws(aws: Aws, workspace: OwnedWorkspace, *searched: str) -> list[Counter[str]]:
    """What a new process asks of DynamoDB and S3 for each of these searches, one after the other."""
    counted = {service: CountedCalls(aws.client(service)) for service in ("dynamodb", "s3")}
    aws.fakes.update(counted)
    caller, asked = Caller(aws.runtime, workspace.owner), list[Counter[str]]()
    for words in searched:
        path = with_query(f"{workspace.path}/moments", q=words)
        assert caller.send(search_workspace_moments.ENDPOINT, path).status == 200
        asked.append(Counter(operation for calls in counted.values() for operation in calls.operations))
        for calls in counted.values():
            calls.operations.clear()
    for service in counted:
        del aws.fakes[service]
    return asked


def test_what_a_search_asks_of_aws_does_not_grow_with_the_library(
    aws: Aws, workspace: OwnedWorkspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each table of many videos is read once by a process, and the rows that name all of them in one query."""
    monkeypatch.setattr(moment_index, "MAX_VIDEOS", 3)
    warm: list[Counter[str]] = []
    for videos, tables in ((1, 1), (6, 3)):
        for _ in range(videos):
            ready_video(aws, workspace.workspace_id, SHIP)
        index_moments_of_videos(aws)
        first, then, again = asked_of_aws(aws, workspace, "harbour", "noon", "noon")
        assert (first["get_object"], then["get_object"]) == (tables, 0)
        assert (then["query"], again["query"]) == (1, 0)
        assert again.total() < then.total()
        warm.append(then)
    assert warm[0] == warm[1]


def test_an_answer_is_kept_until_something_happens_to_a_video(aws: Aws, workspace: OwnedWorkspace) -> None:
    ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    first = find(aws, workspace, q="sourdough bread").json
    # Another process: nothing of the index is read for it.
    (again,) = asked_of_aws(aws, workspace, "sourdough bread")
    assert (again["query"], again["get_object"]) == (0, 0)
    assert again["get_item"] > 0
    assert find(aws, workspace, q="sourdough bread").json == first
    other = ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    assert other in {video for video, _ in found(aws, workspace, q="sourdough bread")}
    show(aws, workspace, other, None)
    index_moments_of_videos(aws)
    assert other not in {video for video, _ in found(aws, workspace, q="sourdough bread")}


def test_nothing_of_another_workspace_shows_in_what_is_found_nor_in_its_scores(aws: Aws) -> None:
    alone, beside = open_workspace(aws), open_workspace(aws)
    for workspace in (alone, beside):
        ready_video(aws, workspace.workspace_id, BREAD)
    index_moments_of_videos(aws)
    before = find(aws, alone, q="sourdough bread").json["items"]
    planted = "The MARKER of sourdough bread bread bread."
    for _ in range(3):
        ready_video(aws, beside.workspace_id, ((0, 4_000, planted), (4_000, 8_000, "MARKER bread")))
    index_moments_of_videos(aws)
    aws.clock.advance(seconds=61)
    answers = [find(aws, alone, q=q) for q in ("sourdough bread", "MARKER", "markers of bread")]
    assert answers[0].json["items"] == before
    assert not any("MARKER" in json.dumps(answer.json) for answer in answers)
    assert "MARKER" in json.dumps(find(aws, beside, q="sourdough bread").json)


def test_a_search_looks_again_for_a_table_that_was_replaced_meanwhile(aws: Aws, workspace: OwnedWorkspace) -> None:
    ready_video(aws, workspace.workspace_id, SHIP)
    index_moments_of_videos(aws)
    runtime = aws.runtime
    reader = moment_index.MomentIndex(runtime.store, _Replacing(aws, workspace), runtime.settings["RESULTS_BUCKET"])
    assert [len(table.videos) for table in reader.read(workspace.workspace_id).tables] == [2]


class _Replacing:
    """S3, in which a table is replaced just before it is read for the first time."""

    def __init__(self, aws: Aws, workspace: OwnedWorkspace) -> None:
        self._aws = aws
        self._workspace = workspace
        self._is_first = True

    def get_object(self, **request: Any) -> Any:
        if self._is_first:
            self._is_first = False
            ready_video(self._aws, self._workspace.workspace_id, BREAD)
            index_moments_of_videos(self._aws)
        return self._aws.client("s3").get_object(**request)
