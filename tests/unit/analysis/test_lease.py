"""Who may work on an analysis, and when."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from functions.analysis.lease import (
    LEASE_SECONDS,
    AnalysisFinished,
    Lease,
    LeaseKeeper,
    LeaseLost,
    LeaseRefused,
    LeaseRow,
)


class MemoryTable:
    def __init__(self) -> None:
        self.row: LeaseRow | None = None

    def read(self) -> LeaseRow | None:
        return self.row

    def replace(self, expected: LeaseRow | None, row: LeaseRow, keep_until: int) -> bool:
        if self.row != expected:
            return False
        self.row = row
        return True


class RacedTable(MemoryTable):
    """Somebody else writes between the reading and the writing."""

    def read(self) -> LeaseRow | None:
        seen = self.row
        self.row = LeaseRow("other", "job-other", 1, 9e9)
        return seen


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def pass_by(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def time() -> Time:
    return Time()


def take(table: MemoryTable, time: Time, owner: str = "job-1", attempt: int = 1, process: str = "a") -> Lease:
    return Lease.take(table, token=process, owner=owner, attempt=attempt, now=time.now)


def test_a_second_job_is_refused_while_the_first_works(time: Time) -> None:
    table = MemoryTable()
    lease = take(table, time)
    time.pass_by(LEASE_SECONDS - 1)
    lease.renew()
    time.pass_by(LEASE_SECONDS - 1)
    with pytest.raises(LeaseRefused):
        take(table, time, owner="job-2", process="b")


def test_another_job_takes_over_what_has_run_out(time: Time) -> None:
    table = MemoryTable()
    first = take(table, time)
    time.pass_by(LEASE_SECONDS)
    second = take(table, time, owner="job-2", process="b")
    with pytest.raises(LeaseLost):
        first.renew()
    second.renew()


def test_a_later_attempt_of_the_same_job_takes_over_at_once(time: Time) -> None:
    table = MemoryTable()
    first = take(table, time)
    take(table, time, attempt=2, process="b")
    with pytest.raises(LeaseLost):
        first.finish()


def test_an_earlier_attempt_does_not_take_back(time: Time) -> None:
    table = MemoryTable()
    take(table, time, attempt=2)
    with pytest.raises(LeaseRefused):
        take(table, time, attempt=1, process="b")


@pytest.mark.parametrize(("owner", "attempt"), [("job-1", 2), ("job-2", 1)])
def test_a_finished_analysis_is_not_begun_again(time: Time, owner: str, attempt: int) -> None:
    table = MemoryTable()
    take(table, time).finish()
    time.pass_by(10 * LEASE_SECONDS)
    with pytest.raises(AnalysisFinished):
        take(table, time, owner=owner, attempt=attempt, process="b")


def test_what_was_released_can_be_taken_by_anyone(time: Time) -> None:
    table = MemoryTable()
    take(table, time).release()
    take(table, time, owner="job-2", process="b").renew()


def test_of_two_that_come_at_once_one_is_refused(time: Time) -> None:
    with pytest.raises(LeaseRefused):
        take(RacedTable(), time)


def test_the_keeper_renews_and_tells_when_the_lease_is_lost(time: Time) -> None:
    table = MemoryTable()
    lease = take(table, time)
    time.pass_by(LEASE_SECONDS / 2)
    with LeaseKeeper(lease, every_seconds=0.01) as keeper:
        _wait_until(lambda: table.row is not None and table.row.until > time.now().timestamp() + LEASE_SECONDS - 1)
        keeper.check()
        table.row = LeaseRow("b", "job-2", 1, 9e9)
        with pytest.raises(LeaseLost):
            _wait_until(lambda: _is_lost(keeper))


def _is_lost(keeper: LeaseKeeper) -> bool:
    keeper.check()
    return False


def _wait_until(condition: Callable[[], bool]) -> None:
    import time

    deadline = time.monotonic() + 5
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)
