"""Whatever queues, crashes and a slow event log do, a read model is what its events say."""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain, count, repeat
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.billing.adapters.projections import USAGE
from functions.billing.events import CreditConsumed
from functions.billing.subscribers import project_usage
from functions.entry import compose_message
from functions.videos.adapters.projections import VIDEOS
from functions.videos.events import VideoChanged
from functions.videos.subscribers import project_videos
from shared.aws.settings import Settings
from shared.cqrs.messages import IntegrationEvent
from shared.messaging.consumer import QueueFunction
from shared.messaging.envelope import Aggregate, Envelope, Metadata
from shared.messaging.event_log import object_key
from shared.messaging.projections import Projection, ReadModel, generation_prefix, read_generations
from shared.messaging.rebuild import GRACE, RebuildUnderWay, rebuild
from shared.messaging.rebuild_progress import Phase, RebuildProgress
from shared.messaging.routing import Subscriber
from shared.persistence.scope import Runtime
from tests.faults.memory import MemoryDynamoDb
from tests.faults.queue import Queue
from tests.faults.stage import Stage
from tests.support.clock import FakeClock
from tests.support.queues import from_bus

SETTINGS = Settings(
    {
        "DATA_TABLE": "data",
        "OUTBOX_TABLE": "outbox",
        "EPHEMERAL_TABLE": "ephemeral",
        "READ_MODELS_TABLE": "read-models",
        "EVENTS_BUCKET": "events",
        "QUEUE_URL": "queue",
    }
)
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
WORKSPACES = ("w-1", "w-2")
STATUSES = ("awaiting_upload", "uploaded", "analysing", "ready")
DAYS = ("2026-02-28", "2026-03-01")


class Crash(BaseException):
    """The process is gone: nobody catches this."""


class PagedMemory(MemoryDynamoDb):
    """Hands out small pages, as DynamoDB may, and forgets tokens at once, as DynamoDB does after ten minutes.

    `before_commit` is called once, ahead of the next transaction.
    """

    page_size = 3

    def __init__(self) -> None:
        super().__init__()
        self.before_commit: Callable[[], object] | None = None

    def scan(self, **request: Any) -> dict[str, Any]:
        prefix = request["ExpressionAttributeValues"][":generation"]["S"]
        page, answer = self._page(self.items(request["TableName"]), request)
        return {**answer, "Items": [item for item in page if item["pk"]["S"].startswith(prefix)]}

    def query(self, **request: Any) -> dict[str, Any]:
        start = request.pop("ExclusiveStartKey", None)
        found = super().query(**{**request, "Limit": 10**6})["Items"]
        page, answer = self._page(found, {**request, "ExclusiveStartKey": start}, request["ScanIndexForward"])
        return {**answer, "Items": page}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        interruption, self.before_commit = self.before_commit, None
        if interruption is not None:
            interruption()
        self._tokens.clear()
        return super().transact_write_items(**request)

    def _page(
        self, items: list[dict[str, Any]], request: Mapping[str, Any], ascending: bool = True
    ) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        def key(item: Mapping[str, Any]) -> tuple[str, str]:
            return item["pk"]["S"], item["sk"]["S"]

        start = request.get("ExclusiveStartKey")
        if start is not None:
            items = [item for item in items if (key(item) > key(start)) is ascending and key(item) != key(start)]
        page = items[: min(self.page_size, request["Limit"])]
        if len(page) == len(items):
            return page, {}
        return page, {"LastEvaluatedKey": {"pk": page[-1]["pk"], "sk": page[-1]["sk"]}}


@dataclass
class EventLog:
    """S3 as far as a rebuild reads it, in small pages."""

    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def keep(self, event: Envelope) -> None:
        body = from_bus(event)
        self.objects[object_key(body)] = json.dumps(body).encode()

    def list_objects_v2(
        self,
        *,
        StartAfter: str,  # noqa: N803 - botocore's
        MaxKeys: int,  # noqa: N803
        Prefix: str = "",  # noqa: N803
        **_: Any,
    ) -> dict[str, Any]:
        keys = sorted(key for key in self.objects if key > StartAfter and key.startswith(Prefix))
        page = keys[: min(2, MaxKeys)]
        return {"Contents": [{"Key": key} for key in page], "IsTruncated": len(page) < len(keys)}

    def get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803
        return {"Body": io.BytesIO(self.objects[Key])}


class Mortal:
    """A client whose process dies at a call, before or after it is made."""

    def __init__(self, client: Any, dies: Callable[[], bool], *, after: bool) -> None:
        self._client = client
        self._dies = dies
        self._after = after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._client, name)

        def made(**request: Any) -> Any:
            dies = self._dies()
            if dies and not self._after:
                raise Crash
            answer = call(**request)
            if dies:
                raise Crash
            return answer

        return made


def envelope(event: IntegrationEvent, message_id: str, aggregate_id: str, version: int, occurred_at: str) -> Envelope:
    return Envelope(
        source=event.source(),
        detail_type=event.detail_type(),
        metadata=Metadata(
            message_id=message_id,
            occurred_at=occurred_at,
            correlation_id="c",
            service_name=event.service_name,
            workspace_id="w",
            aggregate=Aggregate(type=event.aggregate_type, id=aggregate_id, version=version),
        ),
        data=event.model_dump(mode="json"),
    )


def video_changes(statuses: Sequence[tuple[int, str]]) -> list[Envelope]:
    """For each of some videos, what became of it."""
    versions = dict.fromkeys(range(4), 0)
    events = list[Envelope]()
    for number, (video, status) in enumerate(statuses):
        versions[video] += 1
        change = VideoChanged(
            workspace_id=WORKSPACES[video % 2],
            video_id=f"v-{video}",
            status=status,
            current_analysis_id=None,
            active_analysis_id=None,
        )
        at = f"2026-03-01T{8 + number % 4:02}:{number:02}:00.000Z"
        events.append(envelope(change, f"m-{number}", change.video_id, versions[video], at))
    return events


def consumptions(drawn: Sequence[tuple[str, str, str, str | None, int]]) -> list[Envelope]:
    events = list[Envelope]()
    for number, (workspace_id, day, feature_code, user_id, amount) in enumerate(drawn):
        usage = CreditConsumed(
            workspace_id=workspace_id,
            usage_id=f"u-{number}",
            feature_code=feature_code,
            amount=amount,
            reference="r",
            user_id=user_id,
        )
        events.append(envelope(usage, f"m-{number}", usage.usage_id, 1, f"{day}T{6 + number % 3:02}:00:00.000Z"))
    return events


VIDEO_CHANGES = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(STATUSES)), min_size=1, max_size=8).map(
    video_changes
)
CONSUMPTIONS = st.lists(
    st.tuples(
        st.sampled_from(WORKSPACES),
        st.sampled_from(DAYS),
        st.sampled_from(("conversation", "transcription")),
        st.sampled_from((None, "ann", "bob")),
        st.integers(1, 9),
    ),
    min_size=1,
    max_size=8,
).map(consumptions)


@dataclass(frozen=True)
class Kind:
    """A projection with what stands for it here: how its model is read, and what it should be."""

    projection: Projection[Any]
    subscriber: Subscriber
    read: Callable[[ReadModel], dict[tuple[str, str], Any]]
    oracle: Callable[[Iterable[Envelope]], dict[tuple[str, str], Any]]


def read_videos(model: ReadModel) -> dict[tuple[str, str], Any]:
    return {
        (workspace, row.sk): (int(row.version), row.state["status"])
        for workspace in WORKSPACES
        for row in model.states(workspace)
    }


def videos_oracle(events: Iterable[Envelope]) -> dict[tuple[str, str], Any]:
    newest = dict[tuple[str, str], Any]()
    for event in events:
        assert event.metadata.aggregate is not None
        key = event.data["workspace_id"], event.data["video_id"]
        told = event.metadata.aggregate.version, event.data["status"]
        newest[key] = max(newest.get(key, told), told)
    return newest


def read_usage(model: ReadModel) -> dict[tuple[str, str], Any]:
    return {
        (workspace, row.sk): int(row.amount)
        for workspace in WORKSPACES
        for row in model.sums(workspace, after="2026", before="2027")
    }


def usage_oracle(events: Iterable[Envelope]) -> dict[tuple[str, str], Any]:
    sums = dict[tuple[str, str], Any]()
    for event in {one.metadata.message_id: one for one in events}.values():
        data = event.data
        user = data["user_id"] or ""
        key = data["workspace_id"], f"{event.metadata.occurred_at[:10]}#{data['feature_code']}#{user}#"
        sums[key] = sums.get(key, 0) + data["amount"]
    return sums


STATE = Kind(VIDEOS, project_videos.SUBSCRIBER, read_videos, videos_oracle)
SUMS = Kind(USAGE, project_usage.SUBSCRIBER, read_usage, usage_oracle)
CASES = st.one_of(
    st.tuples(st.just(STATE), VIDEO_CHANGES),
    st.tuples(st.just(SUMS), CONSUMPTIONS),
)


class World:
    def __init__(self, kind: Kind, dynamodb: Any = None, settings: Settings = SETTINGS) -> None:
        self.kind = kind
        self.dynamodb = PagedMemory()
        self.settings = settings
        self.log = EventLog()
        self.clock = FakeClock(NOW)
        self.delivered = list[Envelope]()
        self._clients: Mapping[str, Any] = {"dynamodb": dynamodb or self.dynamodb, "s3": self.log, "sqs": Queue()}

    @property
    def runtime(self) -> Runtime:
        return Runtime(self.settings, self.clock, client=self._clients.__getitem__)

    def deliver(self, *events: Envelope) -> None:
        records = [
            {
                "messageId": str(at),
                "receiptHandle": "r",
                "body": json.dumps(from_bus(event)),
                "attributes": {"ApproximateReceiveCount": "1"},
            }
            for at, event in enumerate(events)
        ]
        runtime = self.runtime
        function = QueueFunction(self.kind.subscriber, compose_message, lambda: runtime)
        assert function({"Records": records}) == {"batchItemFailures": []}
        self.delivered += events

    def forget_inbox(self) -> None:
        """As its expiry does."""
        self.dynamodb.tables["ephemeral"] = {}

    def shown(self) -> dict[tuple[str, str], Any]:
        return self.kind.read(ReadModel(self.runtime.store, self.kind.projection.name))

    def rebuild(self, operation_id: str = "rebuild-1", **options: Any) -> RebuildProgress:
        """Go on until it waits or is finished."""
        until = self.clock.now() + timedelta(minutes=1)
        return rebuild(self.runtime, self.kind.projection, operation_id, until=until, **options)

    def step(self) -> RebuildProgress:
        return rebuild(self.runtime, self.kind.projection, "rebuild-1", until=self.clock.now())

    def mortal(self, dies: Callable[[], bool], *, after: bool) -> Runtime:
        """A runtime whose process dies at the call for which `dies` says so."""
        mortal = {name: Mortal(one, dies, after=after) for name, one in self._clients.items()}
        return Runtime(self.settings, self.clock, client=mortal.__getitem__)

    def step_and_crash(self, at_call: int, *, after: bool) -> None:
        schedule = chain(repeat(False, at_call - 1), (True,), repeat(False))
        runtime = self.mortal(schedule.__next__, after=after)
        with suppress(Crash):
            rebuild(runtime, self.kind.projection, "rebuild-1", until=self.clock.now() + timedelta(minutes=1))

    def finish(self) -> RebuildProgress:
        for _ in range(20):
            progress = self.rebuild()
            if progress.finished:
                return progress
            self.clock.advance(seconds=GRACE.total_seconds())
        raise AssertionError("the rebuild doesn't end")

    def generations(self) -> set[str]:
        """Those that rows are left of."""
        name = self.kind.projection.name
        found = {
            item["pk"]["S"].split("#")[1]
            for item in self.dynamodb.items("read-models")
            if item["pk"]["S"].startswith(f"{name}#")
        }
        assert all(generation_prefix(name, one) for one in found)
        return found


@settings(max_examples=1_000, deadline=None)
@given(
    CASES.flatmap(
        lambda case: st.tuples(
            st.just(case[0]),
            st.just(case[1]),
            st.lists(st.sampled_from(case[1]), min_size=1, max_size=16),
            st.permutations(case[1]),
            st.booleans(),
        )
    )
)
def test_any_duplication_order_and_replay_leaves_a_projection_equal_to_the_oracle(
    case: tuple[Kind, list[Envelope], list[Envelope], list[Envelope], bool],
) -> None:
    kind, events, deliveries, replay, forgotten = case
    world = World(kind)
    world.deliver(*deliveries)
    assert world.shown() == kind.oracle(deliveries)
    if forgotten:
        world.forget_inbox()
    world.deliver(*replay)
    assert world.shown() == kind.oracle(events)


@pytest.mark.parametrize("kind", [STATE, SUMS], ids=["state", "sums"])
@pytest.mark.parametrize("existing", [0, 1])
def test_two_events_of_one_row_at_once_both_count(kind: Kind, existing: int) -> None:
    if kind is STATE:
        events = video_changes([(0, status) for status in STATUSES])
    else:
        events = consumptions([("w-1", DAYS[0], "conversation", None, amount) for amount in (1, 2, 4, 8)])
    world = World(kind)
    world.deliver(*events[:existing])
    older, newer = events[existing : existing + 2]
    # The newer one is committed after the older one's handler has read, and before it commits.
    world.dynamodb.before_commit = lambda: world.deliver(newer)
    world.deliver(older)
    assert world.shown() == kind.oracle(events[: existing + 2])


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("deliver"), st.integers(0, 7)),
        st.tuples(st.just("deliver-as-it-begins"), st.integers(0, 7)),
        st.tuples(st.just("log"), st.integers(0, 7)),
        st.tuples(st.just("step"), st.just(0)),
        st.tuples(st.just("crash-before"), st.integers(1, 30)),
        st.tuples(st.just("crash-after"), st.integers(1, 30)),
        st.tuples(st.just("pass"), st.integers(1, 3)),
    ),
    max_size=24,
)


def play(world: World, events: list[Envelope], action: str, number: int) -> None:
    event = events[number % len(events)]
    match action:
        case "deliver":
            world.deliver(event)
        case "deliver-as-it-begins":
            # The projector has read which generations there are, and the rebuild goes on before it commits.
            world.dynamodb.before_commit = world.rebuild
            world.deliver(event)
            world.dynamodb.before_commit = None
        case "log":
            world.log.keep(event)
        case "step":
            world.step()
        case "crash-before" | "crash-after":
            world.step_and_crash(number, after=action == "crash-after")
        case _:
            world.clock.advance(minutes=number)


@settings(max_examples=300, deadline=None)
@given(CASES, ACTIONS)
def test_a_rebuild_loses_nothing_and_ends_equal_to_the_live_model(
    case: tuple[Kind, list[Envelope]], actions: list[tuple[str, int]]
) -> None:
    kind, events = case
    world = World(kind)
    for action, number in actions:
        play(world, events, action, number)
        shown, told = world.shown(), kind.oracle(world.delivered)
        assert told.keys() <= shown.keys()
        assert all(shown[key] >= told[key] for key in told), "what was shown once isn't taken back"
    for event in events:
        world.deliver(event)
        world.log.keep(event)
    progress = world.finish()
    assert (progress.phase, progress.unreadable) == (Phase.DONE, 0)
    assert world.shown() == kind.oracle(events)
    assert world.generations() == {"rebuild-1"}
    assert read_generations(world.runtime.store, kind.projection.name).written == ("rebuild-1",)
    world.forget_inbox()
    world.deliver(*events)
    assert world.shown() == kind.oracle(events), "an event that the log gave comes late through its queue"


def history(kind: Kind) -> list[Envelope]:
    if kind is STATE:
        return video_changes([(video, STATUSES[step]) for step in range(3) for video in range(4)])
    return consumptions([(WORKSPACES[n % 2], DAYS[n % 2], "conversation", None, n + 1) for n in range(12)])


@pytest.mark.parametrize("after", [False, True], ids=["before the call", "after the call"])
@pytest.mark.parametrize("kind", [STATE, SUMS], ids=["state", "sums"])
def test_a_rebuild_that_dies_at_every_call_goes_on_from_there(kind: Kind, after: bool) -> None:
    events = history(kind)
    told = kind.oracle(events)
    at_call, died = 0, True
    while died:
        at_call += 1
        world = World(kind)
        world.deliver(*events)
        for event in events:
            world.log.keep(event)
        schedule = chain(repeat(False, at_call - 1), (True,), repeat(False))
        runtime, died, progress = world.mortal(schedule.__next__, after=after), False, None
        while progress is None or not progress.finished:
            try:
                progress = rebuild(
                    runtime, kind.projection, "rebuild-1", until=world.clock.now() + timedelta(minutes=1)
                )
            except Crash:
                died, runtime = True, world.runtime
            assert world.shown() == told
            world.clock.advance(seconds=GRACE.total_seconds())
        assert world.generations() == {"rebuild-1"}
    assert at_call > 4 * len(events), "it died at many places"


@pytest.mark.parametrize("kind", [STATE, SUMS], ids=["state", "sums"])
def test_an_event_that_arrives_between_any_two_steps_is_in_the_new_generation(kind: Kind) -> None:
    events = history(kind)
    # The last change of each video, or the last four of a sum: each lies elsewhere among the rows that are verified.
    for late in events[-4:]:
        for steps in count():
            world, earlier = World(kind), [event for event in events if event is not late]
            world.deliver(*earlier)
            for event in earlier:
                world.log.keep(event)
            for _ in range(steps):
                if world.step().waiting:
                    world.clock.advance(seconds=GRACE.total_seconds())
            ended_before = steps > 0 and world.step().finished
            # The log gets it when all is over.
            world.deliver(late)
            assert world.shown() == kind.oracle(events)
            if steps:
                assert world.finish().missing == 0
            assert world.shown() == kind.oracle(events)
            if ended_before:
                break


def test_rows_that_no_event_explains_hold_up_the_switch_until_they_are_accepted() -> None:
    events = history(SUMS)
    world = World(SUMS)
    world.deliver(*events)
    for event in events[1:]:
        world.log.keep(event)
    world.rebuild()
    world.clock.advance(seconds=GRACE.total_seconds())
    for _ in range(3):
        progress = world.rebuild()
        assert (progress.waiting, progress.missing) == (True, 1)
        assert world.shown() == SUMS.oracle(events)
    progress = world.rebuild(accept_missing=True)
    assert progress.phase is Phase.REMOVING
    assert world.shown() == SUMS.oracle(events[1:])


def test_one_rebuild_of_a_model_at_a_time() -> None:
    world = World(STATE)
    world.rebuild("a")
    with pytest.raises(RebuildUnderWay, match="a"):
        world.rebuild("b")


def test_an_event_of_the_log_that_cannot_be_read_is_counted_and_passed_over() -> None:
    events = history(STATE)
    world = World(STATE)
    for event in events:
        world.log.keep(event)
    newer = events[0].model_copy(
        update={"metadata": events[0].metadata.model_copy(update={"message_id": "m-newer", "schema_version": 99})}
    )
    world.log.keep(newer)
    world.log.objects[object_key({**from_bus(events[0]), "detail-type": "VideoChanged"}).replace("m-0", "m-x")] = b"{"
    progress = world.finish()
    assert progress.unreadable == 2
    assert world.shown() == STATE.oracle(events)


def test_a_sum_without_its_own_inbox_would_count_a_late_replay_twice() -> None:
    """The control: without the generation's inbox the replay below shows."""
    events = history(SUMS)
    world = World(SUMS)
    world.deliver(*events)
    world.forget_inbox()
    rows = world.dynamodb.tables["read-models"]
    for key in [key for key in rows if "#TAKEN#" in key[0]]:
        del rows[key]
    world.deliver(*events)
    assert world.shown() == {key: 2 * amount for key, amount in SUMS.oracle(events).items()}


@pytest.mark.xdist_group("faults")
@pytest.mark.parametrize("kind", [STATE, SUMS], ids=["state", "sums"])
def test_the_emulator_agrees(kind: Kind, stage: Stage) -> None:
    table = stage.settings.table
    # Tables of one shape: the stage has none for read models, and nothing else is in its `data`.
    tables = {"DATA_TABLE": table("outbox"), "READ_MODELS_TABLE": table("data"), "EPHEMERAL_TABLE": table("ephemeral")}
    world = World(kind, stage.emulator.dynamodb, Settings({**tables, "EVENTS_BUCKET": "events", "QUEUE_URL": "queue"}))
    events = history(kind)
    world.deliver(*events[:9], *events[3:6])
    assert world.shown() == kind.oracle(events[:9])
    for event in events[:10]:
        world.log.keep(event)
    world.rebuild()
    world.deliver(*events[8:])
    assert world.finish().missing == 0
    assert world.shown() == kind.oracle(events)
    left = {
        item["pk"]["S"].split("#")[1]
        for item in stage.items("data")
        if item["pk"]["S"].startswith(f"{kind.projection.name}#")
    }
    assert left == {"rebuild-1"}
