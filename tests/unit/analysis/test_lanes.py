"""Analyzers on threads of their own."""

import threading
import time
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from functions.analysis.analyzers import Findings
from functions.analysis.decode import Frame, Sound, VideoInfo
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.lanes import Lane
from functions.analysis.stopwatch import Stopwatch
from functions.videos.domain.results import ModelUsed
from tests.support.clips import frames_of, plain

INFO = VideoInfo(width=320, height=180, frame_rate=24.0, duration_ms=None, has_audio=False)


class Recording:
    name = "recording"
    features: frozenset[str] = frozenset()
    slow = True
    listens = True
    models: tuple[ModelUsed, ...] = ()

    def __init__(self, at_frame: Callable[[int], None] = lambda index: None) -> None:
        self.seen: list[int] = []
        self.threads: set[int] = set()
        self._at_frame = at_frame

    def see(self, frame: Frame) -> None:
        self.threads.add(threading.get_ident())
        self._at_frame(frame.index)
        self.seen.append(frame.index)

    def hear(self, sound: Sound) -> None:
        pass

    def finish(self, duration_ms: int) -> Findings:
        return Findings()


def lane_of(analyzer: Recording, check: Callable[[], None] = lambda: None) -> Lane:
    return Lane(analyzer, INFO, Stopwatch(), check)


def feed(lane: Lane, frames: int) -> None:
    for frame in frames_of(plain((0, 0, 0), frames)):
        lane.feed(frame)


def test_every_frame_arrives_in_order_on_one_other_thread() -> None:
    analyzer = Recording()
    lane = lane_of(analyzer)
    feed(lane, 200)
    lane.finish(0)
    lane.close()
    assert analyzer.seen == list(range(200))
    assert len(analyzer.threads) == 1
    assert threading.get_ident() not in analyzer.threads


OUT_OF_REACH = ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")


def stumbling(at: int, error: Exception) -> Callable[[int], None]:
    def stumble(index: int) -> None:
        if index == at:
            time.sleep(0.02)
            raise error

    return stumble


@pytest.mark.parametrize("slow", [True, False])
@pytest.mark.parametrize("at", [3, 199])
def test_an_analyzer_that_breaks_down_is_fed_no_more_and_finds_nothing(slow: bool, at: int) -> None:
    analyzer = Recording(stumbling(at, ZeroDivisionError()))
    analyzer.slow = slow
    lane = lane_of(analyzer)
    feed(lane, 200)
    assert lane.finish(0) == Findings()
    lane.close()
    assert lane.broken
    assert analyzer.seen == list(range(at))


@pytest.mark.parametrize("error", [AnalysisFailed(FailureReason.CORRUPT), OUT_OF_REACH, MemoryError()])
def test_what_isnt_the_analyzers_fault_ends_the_pass(error: Exception) -> None:
    lane = lane_of(Recording(stumbling(3, error)))
    with pytest.raises(type(error)):
        feed(lane, 200)
    lane.close()


def test_what_ends_the_pass_at_last_is_not_lost() -> None:
    lane = lane_of(Recording(stumbling(4, OUT_OF_REACH)))
    feed(lane, 5)
    with pytest.raises(ClientError):
        lane.finish(0)
    lane.close()


def test_decoding_waits_for_an_analyzer_that_lags_and_can_be_stopped_meanwhile() -> None:
    go_on = threading.Event()

    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    def hold_up(_: int) -> None:
        go_on.wait(5)

    analyzer = Recording(hold_up)
    lane = lane_of(analyzer, stop)
    with pytest.raises(Stop):
        feed(lane, 1000)
    go_on.set()
    lane.close()
    assert len(analyzer.seen) < 100
