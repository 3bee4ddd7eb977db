"""Answers that many processes share, where conditional writes really are isolated."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random

import pytest

from shared.behaviors.order import request_chain
from shared.cqrs.messages import Query, View
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Caching, Policy
from shared.kernel.principals import Principal, User
from shared.kernel.result import Result, Success
from shared.persistence.rows import DataRow
from shared.persistence.scope import ReadScope, Runtime, WriteScope
from shared.persistence.tags import raise_tag
from tests.faults.stage import Stage
from tests.support.faults import Crash, Fault, Network, at

pytestmark = pytest.mark.xdist_group("faults")

WORKSPACE = "0195f0a0-0000-7000-8000-000000000001"


class Fence(View):
    coats: int


class GetFence(Query[Fence]): ...


@dataclass
class Fences:
    """A fence that is painted, and processes that are asked how many coats it has."""

    stage: Stage
    made: list[float] = field(default_factory=list[float])
    seconds: float = 0.0

    def process(self, network: Network | None = None) -> Proceed:
        policy = Policy(
            permission="read", caching=Caching(ttl_seconds=600, tags=lambda _query: ("fence",), shared=True)
        )
        return request_chain(GetFence, policy, self._build, self.stage.runtime(network), self)

    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        return frozenset({"read"})

    def coats(self, process: Proceed) -> int:
        result = process(GetFence(), self._context(self.stage.runtime()))
        assert isinstance(result, Success)
        coats: int = result.value.coats
        return coats

    def paint(self, coats: int) -> None:
        """One more coat, and in the same transaction what was said of the fence is out of date."""
        runtime = self.stage.runtime()
        context = self._context(runtime)
        uow = runtime.begin(context)
        uow.put(DataRow(pk="FENCE", sk="FENCE", version=coats))
        raise_tag(WriteScope(runtime, context, uow=uow), WORKSPACE, "fence")
        uow.commit()

    def _build(self, scope: ReadScope) -> Callable[[GetFence], Result[Fence]]:
        def count(_query: GetFence) -> Result[Fence]:
            self.made.append(time.monotonic())
            row = scope.store.get(DataRow, "FENCE", "FENCE")
            time.sleep(self.seconds)
            return Success(Fence(coats=int(row.version) if row else 0))

        return count

    def _context(self, runtime: Runtime) -> Context:
        now = runtime.clock.now()
        return Context(
            message_id=runtime.ids.new(),
            correlation_id="c",
            received_at=now,
            deadline=now + timedelta(seconds=20),
            principal=User("ann", "s-1"),
            workspace_id=WORKSPACE,
        )


@pytest.fixture
def fences(stage: Stage) -> Fences:
    return Fences(stage)


def test_of_many_processes_that_ask_at_once_one_makes_the_answer(fences: Fences) -> None:
    fences.seconds = 0.3
    start = threading.Barrier(12)

    def ask(process: Proceed) -> int:
        start.wait()
        return fences.coats(process)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(ask, [fences.process() for _ in range(12)]))
    assert (answers, len(fences.made)) == ([0] * 12, 1)


def test_no_process_shows_less_than_was_committed_before_it_was_asked(fences: Fences, seed: int) -> None:
    random, committed, stop = Random(seed), [0], threading.Event()
    processes = [fences.process() for _ in range(6)]

    def paint() -> None:
        try:
            for coats in range(1, 41):
                fences.paint(coats)
                committed[0] = coats
                time.sleep(random.uniform(0, 0.03))
        finally:
            stop.set()

    def look(process: Proceed) -> list[tuple[int, int]]:
        outdated: list[tuple[int, int]] = []
        while not stop.is_set():
            least = committed[0]
            shown = fences.coats(process)
            if shown < least:
                outdated.append((shown, least))
        return outdated

    with ThreadPoolExecutor(7) as pool:
        looking = [pool.submit(look, process) for process in processes]
        pool.submit(paint).result()
        assert [one.result() for one in looking] == [[]] * 6
    assert [fences.coats(process) for process in processes] == [40] * 6


def test_a_process_that_ended_while_making_holds_up_nobody_for_long(fences: Fences) -> None:
    # Its calls: tags, the shared answer, the lease, and then the answer's own read.
    with pytest.raises(Crash):
        fences.coats(fences.process(Network(at(4, Fault.CRASH_BEFORE), 1)))
    (left,) = fences.stage.items("ephemeral")
    assert "maker" in left
    started = time.monotonic()
    assert fences.coats(fences.process()) == 0
    assert time.monotonic() - started < 10
    assert fences.coats(fences.process()) == 0
    assert len(fences.made) == 2, "the one that was not finished, and the one that all share now"
