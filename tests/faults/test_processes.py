"""Wherever a process is interrupted and however often its messages come, it does each step once or undoes each once."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from pynamodb.attributes import UnicodeAttribute

from functions.entry import compose_message
from shared.aws.settings import Settings
from shared.cqrs.pipeline import Context
from shared.kernel.errors import DependencyUnavailable, Forbidden
from shared.kernel.result import Failure, Result, Success
from shared.messaging.consumer import QueueFunction
from shared.messaging.outbox import OutboxItem
from shared.messaging.process import (
    Advance,
    Process,
    ProcessState,
    ProcessStatus,
    Step,
    nothing_to_undo,
    process_subscriber,
    read_process,
)
from shared.messaging.routing import QUEUES, QueueClass
from shared.persistence.rows import DataRow
from shared.persistence.scope import Runtime, WriteScope
from shared.persistence.unit_of_work import Refused
from tests.faults.memory import MemoryDynamoDb
from tests.faults.queue import Queue
from tests.support.clock import FakeClock
from tests.support.queues import from_bus

SETTINGS = Settings(
    {"DATA_TABLE": "data", "OUTBOX_TABLE": "outbox", "EPHEMERAL_TABLE": "ephemeral", "QUEUE_URL": "queue"}
)
DELIVERIES = QUEUES[QueueClass.DEFAULT].max_receive_count
TRIES = DELIVERIES - 1
"""The last delivery isn't one."""
Entry = tuple[str, str, int]


class JournalRow(DataRow):
    """One thing that a process did; written twice it is a conflict, and each repetition a row of its own."""

    entry = UnicodeAttribute()


class Crash(BaseException):
    """The process is gone: nobody catches this."""


@dataclass(frozen=True)
class Work:
    """A step's work: so many items, some a turn; it refuses at an item, before or when it commits."""

    items: int = 1
    a_turn: int = 1
    can_be_undone: bool = True
    refuses_at: int | None = None
    refuses_at_commit: bool = False


class Journey(BaseModel):
    place: str


def forget_inbox(dynamodb: MemoryDynamoDb) -> None:
    rows = dynamodb.tables.get("ephemeral", {})
    for key in [key for key in rows if key[0].startswith("INBOX#")]:
        del rows[key]


class Connection:
    """A client of whom each call may meet a fault: a crash or a lost call, before or after it is carried out.

    Where it forgets, the inbox is empty after each call, as it is a month later.
    """

    def __init__(self, client: MemoryDynamoDb, faults: dict[int, str], *, forgets: bool) -> None:
        self._client = client
        self._faults = faults
        self._forgets = forgets
        self.calls = 0
        self.before: dict[int, Callable[[], object]] = {}

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls += 1
            self.before.get(self.calls, lambda: None)()
            fault = self._faults.get(self.calls, "")
            if fault == "crash before":
                raise Crash
            if fault == "request lost":
                raise ReadTimeoutError(endpoint_url="memory")
            answer = getattr(self._client, name)(**request)
            if self._forgets:
                forget_inbox(self._client)
            if fault == "crash after":
                raise Crash
            if fault == "reply lost":
                raise ReadTimeoutError(endpoint_url="memory")
            return answer

        return call


@dataclass
class World:
    """A process that travels through its steps, its queue and its outbox."""

    works: Sequence[Work]
    faults: dict[int, str] = field(default_factory=dict[int, str])
    random: Random = field(default_factory=lambda: Random(0))
    copies: int = 1
    forgets: bool = False
    steps: list[Step[Journey]] = field(default_factory=list[Step[Journey]])

    def __post_init__(self) -> None:
        self.dynamodb = MemoryDynamoDb()
        self.connection = Connection(self.dynamodb, self.faults, forgets=self.forgets)
        self.queue = Queue(max_receives=DELIVERIES, batch_size=3)
        self.published: set[str] = set()
        self.delays: list[int] = []
        self.told: list[ProcessStatus] = []
        clock = FakeClock()
        self.runtime = Runtime(SETTINGS, clock, client={"dynamodb": self.connection, "sqs": self.queue}.__getitem__)
        self.steps = self.steps or [self._step(f"step-{at}", work) for at, work in enumerate(self.works)]
        self.process = Process("journey", QueueClass.DEFAULT, Journey, self.steps[0].name)

    def start(self) -> None:
        now = self.runtime.clock.now()
        context = Context(message_id="start", correlation_id="c", received_at=now, deadline=now)
        uow = Runtime(SETTINGS, self.runtime.clock, client=lambda _: self.dynamodb).begin(context)
        scope = WriteScope(self.runtime, context, uow=uow)
        self.process.start(scope, "j-1", Journey(place="sea"))
        uow.commit()

    def run(self) -> ProcessState[Journey]:
        """Deliver until nothing is left to deliver; a crashed process is started anew."""
        self.start()
        while True:
            self._publish()
            if not self.queue.messages:
                return self.state()
            try:
                self.queue.drain(self._function(self.runtime), self.random)
            except Crash:
                continue

    def deliver_elsewhere(self) -> None:
        """Another function gets the messages too, as when their visibility has run out."""
        clients: dict[str, Any] = {"dynamodb": self.dynamodb, "sqs": self.queue}
        function = self._function(Runtime(SETTINGS, self.runtime.clock, client=clients.__getitem__))
        for at, message in enumerate(self.queue.messages):
            attributes = {"ApproximateReceiveCount": "1"}
            record = {"messageId": str(at), "receiptHandle": "r", "body": message.body, "attributes": attributes}
            assert function({"Records": [record]}) == {"batchItemFailures": []}
        if self.forgets:
            forget_inbox(self.dynamodb)

    def _function(self, runtime: Runtime) -> QueueFunction:
        subscriber = process_subscriber(self.process, self.steps, changed=self._tell)
        return QueueFunction(subscriber, compose_message, lambda: runtime)

    def state(self) -> ProcessState[Journey]:
        reading = Runtime(SETTINGS, self.runtime.clock, client=lambda _: self.dynamodb)
        state = read_process(reading.store, "j-1", Journey)
        assert state is not None
        return state

    def journal(self) -> list[Entry]:
        rows = [row for row in self.dynamodb.items("data") if row["pk"]["S"] == "JOURNAL"]
        return [tuple(json.loads(row["entry"]["S"])) for row in rows]

    def _publish(self) -> None:
        for attributes in self.dynamodb.items("outbox"):
            item = OutboxItem.from_attributes(attributes)
            if item.item_id in self.published:
                continue
            self.published.add(item.item_id)
            for event in item.events:
                assert event.destination is not None
                assert event.destination.queue == "default-journey"
                self.delays.append(event.destination.delay_seconds)
                copies = self.random.randint(1, self.copies)
                self.queue.send(*[json.dumps(from_bus(event))] * copies)

    def _tell(self, _scope: WriteScope, state: ProcessState[Journey]) -> None:
        self.told.append(state.status)

    def _step(self, name: str, work: Work) -> Step[Journey]:
        def take(scope: WriteScope, state: ProcessState[Journey], what: str) -> Result[Advance]:
            first = int(state.position or 0)
            items = range(first, min(first + work.a_turn, work.items))
            for item in items:
                if what == "do" and item == work.refuses_at:
                    if not work.refuses_at_commit:
                        return Failure(Forbidden("Not this one."))
                    missing = JournalRow.pk.exists()
                    scope.uow.check(JournalRow, "NOWHERE", "NOWHERE", missing, otherwise=Forbidden("Not this one."))
                key = f"{state.turn:04}#{item:04}#{scope.runtime.ids.new()}"
                scope.uow.insert(JournalRow(pk="JOURNAL", sk=key, entry=json.dumps([what, name, item])))
            is_finished = items.stop >= work.items
            return Success(
                Advance(
                    is_finished=is_finished,
                    position=str(items.stop),
                    done=len(items),
                    total=work.items,
                    counts={what: len(items)},
                )
            )

        def do(scope: WriteScope, state: ProcessState[Journey]) -> Result[Advance]:
            assert state.subject == Journey(place="sea")
            return take(scope, state, "do")

        def undo(scope: WriteScope, state: ProcessState[Journey]) -> Result[Advance]:
            return take(scope, state, "undo")

        return Step(name, do, undo if work.can_be_undone else None)


def expected(works: Sequence[Work]) -> tuple[ProcessStatus, list[Entry]]:
    """The rules of a process, said once more: how it ends, and what it has done by then."""
    journal: list[Entry] = []
    for at, work in enumerate(works):
        before = work.items if work.refuses_at is None else work.refuses_at - work.refuses_at % work.a_turn
        journal += [("do", f"step-{at}", item) for item in range(before)]
        if work.refuses_at is None:
            continue
        begun = at if before else at - 1
        for back in range(begun, -1, -1):
            if not works[back].can_be_undone:
                return ProcessStatus.FAILED, journal
            journal += [("undo", f"step-{back}", item) for item in range(works[back].items)]
        return ProcessStatus.COMPENSATED, journal
    return ProcessStatus.COMPLETED, journal


WORKS = st.lists(
    st.builds(
        Work,
        items=st.integers(1, 4),
        a_turn=st.integers(1, 3),
        can_be_undone=st.sampled_from([True, True, True, False]),
        refuses_at=st.one_of(st.none(), st.none(), st.integers(0, 3)),
        refuses_at_commit=st.booleans(),
    ).map(lambda work: replace(work, refuses_at=None) if (work.refuses_at or 0) >= work.items else work),
    min_size=1,
    max_size=4,
)
FAULTS = st.dictionaries(
    st.integers(1, 60),
    st.sampled_from(["crash before", "crash after", "request lost", "reply lost"]),
    # Fewer than deliveries, so that no turn is given up for its faults.
    max_size=DELIVERIES - 3,
)


@settings(max_examples=400, deadline=None)
@given(WORKS, FAULTS, st.integers(0, 2**32), st.integers(1, 3), st.booleans())
def test_crashes_losses_and_repetitions_leave_what_the_oracle_says(
    works: list[Work], faults: dict[int, str], seed: int, copies: int, forgets: bool
) -> None:
    world = World(works, faults, Random(seed), copies, forgets)
    state = world.run()
    assert (state.status, world.journal()) == expected(works)
    assert world.queue.dead == []
    done = [entry for entry in world.journal() if entry[0] == "do"]
    assert state.counts.get("do", 0) == len(done)


def every_call(works: Sequence[Work]) -> Iterator[tuple[int, str]]:
    untroubled = World(works)
    untroubled.run()
    for number in range(1, untroubled.connection.calls + 1):
        for fault in ("crash before", "crash after", "request lost", "reply lost"):
            yield number, fault


@pytest.mark.parametrize(
    "works",
    [
        [Work(), Work(items=3), Work()],
        [Work(items=2), Work(items=3, a_turn=2), Work(items=3, refuses_at=2)],
        [Work(), Work(refuses_at=0, refuses_at_commit=True)],
    ],
    ids=["completes", "is refused", "is refused at its commit"],
)
def test_an_interruption_at_any_call_changes_nothing_about_the_end(works: list[Work]) -> None:
    for number, fault in every_call(works):
        world = World(works, {number: fault})
        assert (world.run().status, world.journal()) == expected(works), (number, fault)


@pytest.mark.parametrize("forgets", [False, True], ids=["with the inbox", "without it"])
def test_a_turn_that_two_functions_are_at_is_taken_once(forgets: bool) -> None:
    works = [Work(items=2), Work(), Work(items=2, refuses_at=1)]
    calls = World(works)
    calls.run()
    for number in range(1, calls.connection.calls + 1):
        world = World(works, forgets=forgets)
        world.connection.before[number] = world.deliver_elsewhere
        assert (world.run().status, world.journal()) == expected(works), number
        assert world.queue.dead == []


def test_a_process_tells_each_of_its_states_and_why_it_was_refused() -> None:
    world = World([Work(items=2), Work(refuses_at=0)])
    state = world.run()
    assert world.told == ["running", "running", "compensating", "compensating", "compensated"]
    assert state.reason is not None
    assert (state.reason.code, state.reason.detail) == ("forbidden", "Not this one.")
    assert state.ended_at is not None


def test_a_step_says_how_far_it_is_and_when_it_wants_to_be_asked_again() -> None:
    def wait(_scope: WriteScope, state: ProcessState[Journey]) -> Result[Advance]:
        asked = int(state.position or 0)
        return Success(Advance(is_finished=asked == 2, position=str(asked + 1), done=10, total=30, wait_seconds=60))

    world = World([], steps=[Step("wait", wait)])
    state = world.run()
    assert (state.status, state.done, state.total) == ("completed", 30, 30)
    assert world.delays == [0, 60, 60]


def failing(times: int, error: Exception | None = None) -> Callable[..., Result[Advance]]:
    """A turn that fails so often: with an error it is returned, otherwise it is a bug."""
    left = [times]

    def turn(_scope: WriteScope, _state: ProcessState[Journey]) -> Result[Advance]:
        left[0] -= 1
        if left[0] < 0:
            return Success(Advance())
        if isinstance(error, DependencyUnavailable | Forbidden):
            return Failure(error)
        raise ZeroDivisionError

    return turn


BUSY = DependencyUnavailable("It is busy.", retry_after_seconds=1)


@pytest.mark.parametrize("error", [None, BUSY], ids=["a bug", "an outage"])
def test_what_passes_is_tried_again_until_the_last_delivery(error: Exception | None) -> None:
    first = Step("first", failing(0), nothing_to_undo)
    passing = World([], steps=[first, Step("second", failing(TRIES - 1, error))])
    assert passing.run().status == "completed"
    lasting = World([], steps=[first, Step("second", failing(TRIES, error))])
    state = lasting.run()
    assert state.status == "compensated"
    assert state.reason is not None
    assert state.reason.code == ("internal-error" if error is None else "dependency-unavailable")
    assert lasting.queue.dead == []


def test_an_undo_that_keeps_failing_ends_the_process_failed_with_its_reason() -> None:
    refused = Step("second", failing(1, Forbidden("No.")), nothing_to_undo)
    recovering = World([], steps=[Step("first", failing(0), failing(TRIES - 1, Forbidden("Stuck."))), refused])
    assert recovering.run().status == "compensated"
    refused = Step("second", failing(1, Forbidden("No.")), nothing_to_undo)
    stuck = World([], steps=[Step("first", failing(0), failing(TRIES, Forbidden("Stuck."))), refused])
    state = stuck.run()
    assert (state.status, state.step) == ("failed", "first")
    assert state.reason is not None
    assert state.reason.detail == "Stuck."
    assert stuck.queue.dead == []


def test_a_process_starts_once_under_its_id() -> None:
    world = World([Work()])
    world.start()
    now = world.runtime.clock.now()
    context = Context(message_id="again", correlation_id="c", received_at=now, deadline=now)
    uow = world.runtime.begin(context)
    world.process.start(WriteScope(world.runtime, context, uow=uow), "j-1", Journey(place="sky"), Forbidden("Once."))
    with pytest.raises(Refused, match=r"Once\."):
        uow.commit()


def test_steps_that_cannot_be_told_apart_are_refused() -> None:
    process = Process("journey", QueueClass.DEFAULT, Journey, "first")
    one = Step[Journey]("first", failing(0))
    with pytest.raises(ValueError, match="first, first"):
        process_subscriber(process, [one, one])
    with pytest.raises(ValueError, match="the first one is first"):
        process_subscriber(process, [replace(one, name="second")])
