"""Analyzers on threads of their own."""

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest
from botocore.exceptions import ClientError

from functions.analysis.analyzers import Analyzer, Findings, Listener
from functions.analysis.decode import VideoInfo
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.frames import Frame
from functions.analysis.lanes import Lane
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.analysis.stopwatch import Stopwatch
from functions.videos.domain.results import ModelUsed
from tests.support.clips import frames_of, plain

INFO = VideoInfo(width=320, height=180, frame_rate=24.0, duration_ms=None, has_audio=False)


class Recording:
    name = "recording"
    features: frozenset[str] = frozenset()
    slow = True
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


def never() -> None:
    pytest.fail("there should be room")


def lane_of(analyzer: Analyzer, check: Callable[[], None] = lambda: None) -> Lane:
    return Lane(analyzer, INFO, Stopwatch(), check)


def ignore(share: float) -> None:
    """Nobody watches."""


def feed(lane: Lane, frames: int) -> None:
    for frame in frames_of(plain((0, 0, 0), frames)):
        lane.feed(frame)


def test_every_frame_arrives_in_order_on_one_other_thread() -> None:
    analyzer = Recording()
    lane = lane_of(analyzer)
    feed(lane, 200)
    lane.finish(0, ignore)
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
    assert lane.finish(0, ignore) == Findings()
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
        lane.finish(0, ignore)
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


class Hearing(Listener):
    """Hears nothing more before it is told to go on."""

    name = "hearing"
    features: frozenset[str] = frozenset()
    slow = True
    models: tuple[ModelUsed, ...] = ()

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.heard_ms: list[int] = []

    def hear(self, sound: Sound) -> None:
        self.go_on.wait(20)
        self.heard_ms.append(sound.start_ms)

    def finish(self, duration_ms: int) -> Findings:
        self.go_on.wait(20)
        return Findings()


def second(number: int) -> Sound:
    return Sound(number * 1000, np.zeros(SAMPLE_RATE, dtype=np.int16))


def test_pictures_dont_wait_for_who_only_listens() -> None:
    analyzer = Hearing()
    lane = lane_of(analyzer, never)
    lane.feed(second(0))
    feed(lane, 200)
    lane.feed(second(1))
    analyzer.go_on.set()
    lane.finish(0, ignore)
    lane.close()
    assert analyzer.heard_ms == [0, 1000]


def test_what_is_to_be_heard_waits_up_to_some_minutes() -> None:
    analyzer = Hearing()

    def go_on() -> None:
        analyzer.go_on.set()

    lane = lane_of(analyzer, go_on)
    fed = 0
    while not analyzer.go_on.is_set():
        lane.feed(second(fed))
        fed += 1
    assert 60 < fed < 300
    lane.finish(0, ignore)
    lane.close()
    assert analyzer.heard_ms == [number * 1000 for number in range(fed)]


def test_an_analyzer_at_its_last_findings_can_be_left_alone() -> None:
    analyzer = Hearing()

    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    lane = lane_of(analyzer, stop)
    with pytest.raises(Stop):
        lane.finish(0, ignore)
    analyzer.go_on.set()
    lane.close()
