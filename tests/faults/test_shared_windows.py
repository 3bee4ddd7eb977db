"""Counters and breakers that many processes share, where conditional writes really are isolated."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.behaviors.circuit_breaker import CircuitBreaker
from shared.behaviors.rate_limiting import Windows
from shared.cqrs.policy import Limit, Per
from shared.kernel.errors import DependencyUnavailable, RateLimited
from tests.faults.stage import Stage
from tests.support.clock import FakeClock

pytestmark = pytest.mark.xdist_group("faults")

LIMIT = Limit(per=Per.WORKSPACE, requests=40, window_seconds=60)


def passes(windows: Windows, subject: str) -> bool:
    try:
        return windows.take(subject, LIMIT) is None
    except RateLimited:
        return False


def test_parallel_requests_never_pass_beyond_the_limit_and_cost_no_other_tenant(stage: Stage) -> None:
    clock = FakeClock()
    # As many processes, none of which knows what the others have counted.
    processes = [Windows(stage.runtime(clock=clock)) for _ in range(8)]

    def flood(number: int) -> bool:
        return passes(processes[number % 8], "flooding")

    def visit(number: int) -> bool:
        return passes(processes[number % 8], "calm")

    with ThreadPoolExecutor(16) as pool:
        flooded = pool.map(flood, range(400))
        visited = pool.map(visit, range(20))
        assert sum(flooded) == 40
        assert all(visited)
    clock.advance(seconds=90)
    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(flood, range(200))) == 20, "half of the full window is still in sight"


def test_of_many_processes_one_probes(stage: Stage) -> None:
    clock = FakeClock()
    calls: list[int] = []

    def down() -> None:
        raise DependencyUnavailable("down", retry_after_seconds=1)

    def breaker() -> CircuitBreaker:
        return CircuitBreaker("service", stage.runtime(clock=clock), threshold=3, open_seconds=10)

    for _ in range(3):
        with pytest.raises(DependencyUnavailable):
            breaker().call(down)
    clock.advance(seconds=10)

    def probe(number: int) -> str:
        def fail() -> str:
            calls.append(number)
            raise DependencyUnavailable("still down", retry_after_seconds=1)

        return breaker().call(fail, degraded=lambda: "degraded")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(probe, range(64)))
    assert (len(calls), answers) == (1, ["degraded"] * 64)


def test_failures_at_the_same_moment_all_count(stage: Stage) -> None:
    clock = FakeClock()

    def fail(_number: int) -> str:
        def down() -> str:
            raise DependencyUnavailable("down", retry_after_seconds=1)

        runtime = stage.runtime(clock=clock)
        return CircuitBreaker("service", runtime, threshold=16).call(down, degraded=lambda: "degraded")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(fail, range(15)))
    (row,) = stage.items("ephemeral")
    assert row["failures"] == {"N": "15"}
