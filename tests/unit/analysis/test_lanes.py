"""Analyzers on threads of their own."""

import threading
import time
from collections.abc import Callable

import pytest

from functions.analysis.analyzers import Findings
from functions.analysis.decode import Frame, Sound, VideoInfo
from functions.analysis.lanes import Lane
from functions.analysis.stopwatch import Stopwatch
from functions.videos.domain.results import ModelUsed
from tests.support.clips import frames_of, plain

INFO = VideoInfo(width=320, height=180, frame_rate=24.0, duration_ms=None, has_audio=False)


class Recording:
    name = "recording"
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


def test_what_an_analyzer_raises_ends_the_pass() -> None:
    def stumble(index: int) -> None:
        if index == 3:
            raise ZeroDivisionError

    lane = lane_of(Recording(stumble))
    with pytest.raises(ZeroDivisionError):
        feed(lane, 200)
    lane.close()


def test_what_an_analyzer_raises_last_is_not_lost() -> None:
    def stumble(index: int) -> None:
        if index == 4:
            time.sleep(0.05)
            raise ZeroDivisionError

    lane = lane_of(Recording(stumble))
    feed(lane, 5)
    with pytest.raises(ZeroDivisionError):
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
