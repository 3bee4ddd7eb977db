"""Each analyzer works in a lane of its own: a slow one on a thread beside the decoding, since its models compute
outside Python's lock; and one that breaks down takes no other with it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Condition
from typing import TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from functions.analysis.analyzers import Analyzer, Findings, Listener, Resumable, Watcher
from functions.analysis.checkpoints import Snapshot, take_snapshot
from functions.analysis.decode import VideoInfo
from functions.analysis.failures import AnalysisFailed
from functions.analysis.frames import Frame
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.analysis.stopwatch import Stopwatch
from shared.observability.logger import log

T = TypeVar("T")

# Decoding runs ahead of an analyzer by so much at most, so that memory stays the same for any length and size.
_WAITING_BYTES = 64 * 1024 * 1024
_MOST_WAITING_FRAMES = 24
# Speech is recognised in pieces of most of a minute, for which the pictures needn't wait.
_MOST_WAITING_SAMPLES = 120 * SAMPLE_RATE
_CHECKED_EVERY_SECONDS = 0.5

# What isn't the analyzer's own: the video is to blame, a service is out of reach, or the machine is too small.
_NOT_ITS_OWN = (AnalysisFailed, BotoCoreError, ClientError, MemoryError)


class _Room:
    """Where so much may wait; more than that, only alone."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._taken = 0
        self._left = Condition()

    def enter(self, size: int, timeout: float) -> bool:
        """Whether there was room within so many seconds."""
        with self._left:
            if not self._left.wait_for(lambda: not self._taken or self._taken + size <= self._capacity, timeout):
                return False
            self._taken += size
            return True

    def leave(self, size: int) -> None:
        with self._left:
            self._taken -= size
            self._left.notify()


class Lane:
    """Feeds one analyzer in order. An analyzer that raises is fed no more, and `broken`; what isn't its own fault is
    raised by the next call.
    """

    def __init__(self, analyzer: Analyzer, info: VideoInfo, stopwatch: Stopwatch, check: Callable[[], None]) -> None:
        self.analyzer = analyzer
        self.broken = False
        self._stopwatch = stopwatch
        self._check = check
        self._pending: deque[Future[None]] = deque()
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=analyzer.name) if analyzer.slow else None
        # A decoded picture takes one and a half bytes a pixel in the usual format.
        frames = int(_WAITING_BYTES / max(1, info.width * info.height * 1.5))
        self._frames = _Room(min(_MOST_WAITING_FRAMES, max(2, frames)))
        self._sounds = _Room(_MOST_WAITING_SAMPLES)

    def feed(self, piece: Frame | Sound) -> None:
        if isinstance(self.analyzer, Listener if isinstance(piece, Frame) else Watcher):
            return
        if self._pool is None:
            self._take(piece)
            return
        room, size = (self._frames, 1) if isinstance(piece, Frame) else (self._sounds, piece.samples.size)
        while not room.enter(size, _CHECKED_EVERY_SECONDS):
            self._check()
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._take_in_background, piece, room, size))

    def snapshot(self) -> "Future[Snapshot]":
        """The state after all that was fed so far. Only of a lane that `can_resume`."""
        if self._pool is not None:
            return self._pool.submit(self._snapshot)
        taken: Future[Snapshot] = Future()
        taken.set_result(self._snapshot())
        return taken

    @property
    def can_resume(self) -> bool:
        return isinstance(self.analyzer, Resumable)

    def resume(self, state: Mapping[str, object]) -> None:
        """Before anything is fed."""
        assert isinstance(self.analyzer, Resumable)
        self.analyzer.resume(state)

    def finish(self, duration_ms: int, report: Callable[[float], None]) -> Findings:
        """What was found; nothing, if the analyzer broke down. `report` takes the share done of what still waits."""
        if self._pool is None:
            return self._finish(duration_ms)
        waiting = len(self._pending) + 1
        while self._pending:
            self._result(self._pending.popleft())
            report(1 - (len(self._pending) + 1) / waiting)
        return self._result(self._pool.submit(self._finish, duration_ms))

    def close(self) -> None:
        """What still waits is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _result(self, work: Future[T]) -> T:
        while not wait([work], timeout=_CHECKED_EVERY_SECONDS).done:
            self._check()
        return work.result()

    def _take_in_background(self, piece: Frame | Sound, room: _Room, size: int) -> None:
        try:
            self._take(piece)
        finally:
            room.leave(size)

    def _snapshot(self) -> Snapshot:
        if self.broken or not isinstance(self.analyzer, Resumable):
            return Snapshot(b"", ())
        return take_snapshot(self.analyzer.state())

    def _take(self, piece: Frame | Sound) -> None:
        if isinstance(piece, Frame):
            self._contained(lambda: self.analyzer.see(piece))
        else:
            self._contained(lambda: self.analyzer.hear(piece))

    def _finish(self, duration_ms: int) -> Findings:
        found = Findings()

        def finish() -> None:
            nonlocal found
            found = self.analyzer.finish(duration_ms)

        self._contained(finish)
        return found

    def _contained(self, work: Callable[[], None]) -> None:
        if self.broken:
            return
        try:
            with self._stopwatch.measure(self.analyzer.name):
                work()
        except _NOT_ITS_OWN:
            raise
        except Exception:  # noqa: BLE001 - the edge of an analyzer
            # Models meet pictures that nobody has thought of. The other analyzers can do without this one.
            log().exception("an analyzer broke down", extra={"analyzer": self.analyzer.name})
            self.broken = True
