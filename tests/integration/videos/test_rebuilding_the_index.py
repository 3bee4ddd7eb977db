"""The index of moments is rebuilt from the event log and the results, beside the one that is searched."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from functions.videos.adapters.moment_index import MomentIndexProjection
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.results import MOMENTS, results_prefix
from functions.videos.queries import search_workspace_moments
from functions.videos.subscribers import index_moments
from shared.cqrs.pipeline import Context
from shared.messaging.projections import read_generations
from shared.messaging.rebuild import rebuild, remove_generation, withdraw
from shared.messaging.rebuild_progress import Phase, RebuildProgress
from shared.persistence.scope import Runtime
from tests.support.analysed_videos import ready_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.indexing import index_moments_of_videos
from tests.support.projecting import log_events
from tests.support.queues import deliver, from_bus
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, open_workspace

BREAD = ((0, 4_000, "Today we are baking sourdough bread."), (4_000, 9_000, "Mix the flour with the water."))
ETNA = ((0, 5_000, "Mount Etna is a volcano."), (5_000, 9_000, "Ash fell on the bread of Catania."))
SHIP = ((0, 3_000, "The ship left the harbour with bread."),)


@dataclass
class Library:
    """Two workspaces with analysed videos, all of them indexed and logged."""

    aws: Aws
    workspaces: list[OwnedWorkspace] = field(default_factory=list[OwnedWorkspace])
    videos: list[str] = field(default_factory=list[str])

    def search(self, at: int = 0, **fields: object) -> Answer:
        workspace = self.workspaces[at]
        path = with_query(f"{workspace.path}/moments", **{"q": "bread", **fields})
        return Caller(self.aws.runtime, workspace.owner).send(search_workspace_moments.ENDPOINT, path)

    def found(self, at: int = 0) -> list[dict[str, Any]]:
        """What is found now, by a process that has nothing cached."""
        self.aws.clock.advance(seconds=61)
        answer = self.search(at)
        assert answer.status == 200, answer
        items: list[dict[str, Any]] = answer.json["items"]
        return items

    def index(self) -> None:
        index_moments_of_videos(self.aws)
        log_events(self.aws)

    def delete(self, video_id: str) -> None:
        uow = begin(self.aws.runtime)
        video = read_video(uow.store, self.workspaces[0].workspace_id, video_id)
        assert video is not None
        Videos(uow).remove(video)
        uow.commit()

    def go_on(
        self, runtime: Runtime | None = None, *, seconds: float = 20, accept_missing: bool = False
    ) -> RebuildProgress:
        runtime = runtime or self.aws.runtime
        until = self.aws.clock.now() + timedelta(seconds=seconds)
        projection = MomentIndexProjection(runtime)
        return rebuild(runtime, projection, "operation-1", until=until, accept_missing=accept_missing)

    def rebuild(self, *, accept_missing: bool = False) -> RebuildProgress:
        """From the beginning, or from where it is, to the end."""
        progress = self.go_on(accept_missing=accept_missing)
        while not progress.finished:
            self.aws.clock.advance(seconds=max(progress.wait_seconds, 1))
            progress = self.go_on(accept_missing=accept_missing)
        return progress

    def objects(self) -> list[str]:
        answer = self.aws.client("s3").list_objects_v2(Bucket=self.aws.settings["RESULTS_BUCKET"])
        return [one["Key"] for one in answer.get("Contents", ()) if "/index/" in one["Key"]]

    def rows(self, generation: str) -> list[dict[str, Any]]:
        items = self.aws.items("read-models")
        return [item for item in items if item["pk"]["S"].startswith(f"moments#{generation}#")]


def begin(runtime: Runtime) -> Any:
    now = runtime.clock.now()
    return runtime.begin(
        Context(message_id=runtime.ids.new(), correlation_id="c", received_at=now, deadline=now + timedelta(seconds=9))
    )


@pytest.fixture
def library(aws: Aws) -> Library:
    made = Library(aws)
    for said in ((BREAD, ETNA), (SHIP,)):
        workspace = open_workspace(aws)
        made.workspaces.append(workspace)
        made.videos += [ready_video(aws, workspace.workspace_id, one) for one in said]
    made.index()
    return made


def test_what_the_index_lost_is_found_again_as_before(library: Library) -> None:
    before = [library.found(at) for at in range(2)]
    aws, dynamodb = library.aws, library.aws.client("dynamodb")
    # One workspace lost its rows and what they name, the other one its objects alone.
    for item in library.rows("first"):
        if library.workspaces[0].workspace_id in item["pk"]["S"]:
            dynamodb.delete_item(TableName=aws.settings.table("read-models"), Key={"pk": item["pk"], "sk": item["sk"]})
    for key in library.objects():
        aws.client("s3").delete_object(Bucket=aws.settings["RESULTS_BUCKET"], Key=key)
    assert library.found(0) == []
    assert library.search(1).problem == "dependency-unavailable"
    assert library.rebuild().taken >= 3
    assert [library.found(at) for at in range(2)] == before


def test_searches_answer_while_the_index_is_rebuilt_and_nothing_of_the_old_one_is_left(library: Library) -> None:
    before = library.found()
    phases: list[Phase] = []
    progress = library.go_on(seconds=0)
    while not progress.finished:
        phases.append(progress.phase)
        assert library.found() == before
        library.aws.clock.advance(seconds=max(progress.wait_seconds, 1))
        progress = library.go_on(seconds=0)
    assert {Phase.FEEDING, Phase.VERIFYING, Phase.REMOVING} <= set(phases)
    assert library.found() == before
    assert read_generations(library.aws.runtime.store, "moments").written == ("operation-1",)
    assert library.rows("first") == []
    index_moments_of_videos(library.aws)
    assert len(library.objects()) == 2
    assert all("/operation-1/" in key for key in library.objects())


def test_videos_that_come_and_go_during_a_rebuild_are_in_it_and_not(library: Library) -> None:
    library.go_on()
    library.delete(library.videos[0])
    new = ready_video(library.aws, library.workspaces[0].workspace_id, SHIP)
    library.index()
    assert {one["video_id"] for one in library.found()} == {library.videos[1], new}
    library.rebuild()
    assert {one["video_id"] for one in library.found()} == {library.videos[1], new}


def test_what_was_deleted_before_a_rebuild_does_not_come_back(library: Library) -> None:
    library.delete(library.videos[0])
    library.index()
    library.rebuild()
    index_moments_of_videos(library.aws)
    assert {one["video_id"] for one in library.found()} == {library.videos[1]}
    s3, bucket = library.aws.client("s3"), library.aws.settings["RESULTS_BUCKET"]
    bodies = [s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in library.objects()]
    assert not any(b"sourdough" in body for body in bodies)


def test_a_video_whose_results_are_lost_keeps_a_rebuild_from_the_switch_until_that_is_accepted(
    library: Library,
) -> None:
    before = library.found()
    s3, bucket = library.aws.client("s3"), library.aws.settings["RESULTS_BUCKET"]
    lost = results_key(library, library.videos[0])
    s3.delete_object(Bucket=bucket, Key=lost)
    progress = library.go_on()
    for _ in range(3):
        library.aws.clock.advance(seconds=max(progress.wait_seconds, 1))
        progress = library.go_on()
    assert (progress.phase, progress.missing) == (Phase.FEEDING, 1)
    assert library.found() == before
    assert library.rebuild(accept_missing=True).unreadable > 0
    assert {one["video_id"] for one in library.found()} == {library.videos[1]}
    assert library.found(1)


def results_key(library: Library, video_id: str) -> str:
    """The object that holds the moments of a video of the first workspace."""
    workspace_id = library.workspaces[0].workspace_id
    video = read_video(library.aws.runtime.store, workspace_id, video_id)
    assert video is not None
    assert video.current_analysis_id is not None
    return results_prefix(workspace_id, video_id, video.current_analysis_id) + MOMENTS


def test_a_rebuild_that_crashes_goes_on(library: Library) -> None:
    before = library.found()
    aws = library.aws
    aws.fakes["s3"] = broken = _Breaking(aws.client("s3"))
    for put in (0, 1, 1):
        broken.breaks_at = put
        with pytest.raises(ConnectionError):
            library.go_on(aws.runtime)
    del aws.fakes["s3"]
    library.rebuild()
    assert library.found() == before


class _Breaking:
    """S3 that fails at the n-th object that is written, counted from the last failure."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3
        self.breaks_at = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **request: Any) -> Any:
        if not self.breaks_at:
            raise ConnectionError("the plug was pulled")
        self.breaks_at -= 1
        return self._s3.put_object(**request)


def test_a_rebuild_that_is_given_up_leaves_nothing_behind(library: Library) -> None:
    before, objects = library.found(), library.objects()
    runtime, until = library.aws.runtime, library.aws.clock.now() + timedelta(seconds=20)
    library.go_on()
    assert len(library.objects()) > len(objects)
    projection = MomentIndexProjection(runtime)
    assert withdraw(runtime, projection, "operation-1", until=until)
    assert remove_generation(runtime, projection, "operation-1", "operation-1", "", until=until) == ""
    assert (library.rows("operation-1"), library.objects()) == ([], objects)
    assert library.found() == before


def test_a_walk_ends_with_the_generation_that_it_began_in(library: Library) -> None:
    cursor = library.search(limit=1).json["next_cursor"]
    assert library.search(limit=1, cursor=cursor).status == 200
    library.rebuild()
    assert library.search(limit=1, cursor=cursor).problem == "malformed-request"


def test_a_video_deleted_while_it_is_brought_in_is_not_in_the_index(aws: Aws) -> None:
    """Whoever brings it in has read it before; whoever takes it out comes first and finds nothing to take out."""
    library = Library(aws, [open_workspace(aws)])
    video_id = ready_video(aws, library.workspaces[0].workspace_id, BREAD)
    (came,) = aws.events("VideoChanged")
    aws.fakes["s3"] = _Deleting(aws.client("s3"), library, video_id)
    assert deliver(index_moments.SUBSCRIBER, from_bus(came), aws.runtime)
    del aws.fakes["s3"]
    index_moments_of_videos(aws)
    assert library.found() == []


class _Deleting:
    """S3; as the first object is written, a video is deleted and the index hears of it."""

    def __init__(self, s3: Any, library: Library, video_id: str) -> None:
        self._s3 = s3
        self._library = library
        self._video_id: str | None = video_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def put_object(self, **request: Any) -> Any:
        if self._video_id is not None:
            video_id, self._video_id = self._video_id, None
            self._library.delete(video_id)
            gone = self._library.aws.events("VideoChanged")[-1]
            runtime = replace(self._library.aws, fakes={"s3": self._s3}).runtime
            assert deliver(index_moments.SUBSCRIBER, from_bus(gone), runtime)
        return self._s3.put_object(**request)
