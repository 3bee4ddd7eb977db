"""Each analyzer works in a lane of its own: a slow one on a thread beside the decoding, since its models compute
outside Python's lock; and one that breaks down takes no other with it.
"""

from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import BoundedSemaphore

from botocore.exceptions import BotoCoreError, ClientError

from functions.analysis.analyzers import Analyzer, Findings, Resumable
from functions.analysis.checkpoints import Snapshot, take_snapshot
from functions.analysis.decode import Frame, Sound, VideoInfo
from functions.analysis.failures import AnalysisFailed
from functions.analysis.stopwatch import Stopwatch
from shared.observability.logger import log

# Decoding runs ahead of an analyzer by so much at most, so that memory stays the same for any length and size.
_WAITING_BYTES = 64 * 1024 * 1024
_MOST_WAITING_FRAMES = 24
_MOST_WAITING_SOUNDS = 512
_CHECKED_EVERY_SECONDS = 0.5

# What isn't the analyzer's own: the video is to blame, a service is out of reach, or the machine is too small.
_NOT_ITS_OWN = (AnalysisFailed, BotoCoreError, ClientError, MemoryError)


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
        self._frames = BoundedSemaphore(min(_MOST_WAITING_FRAMES, max(2, frames)))
        self._sounds = BoundedSemaphore(_MOST_WAITING_SOUNDS)

    def feed(self, piece: Frame | Sound) -> None:
        if self._pool is None:
            self._take(piece)
            return
        room = self._frames if isinstance(piece, Frame) else self._sounds
        while not room.acquire(timeout=_CHECKED_EVERY_SECONDS):
            self._check()
        while self._pending and self._pending[0].done():
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._take_in_background, piece, room))

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

    def finish(self, duration_ms: int) -> Findings:
        """What was found; nothing, if the analyzer broke down."""
        if self._pool is None:
            return self._finish(duration_ms)
        while self._pending:
            if wait([self._pending[0]], timeout=_CHECKED_EVERY_SECONDS).done:
                self._pending.popleft().result()
            else:
                self._check()
        return self._pool.submit(self._finish, duration_ms).result()

    def close(self) -> None:
        """What still waits is dropped."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def _take_in_background(self, piece: Frame | Sound, room: BoundedSemaphore) -> None:
        try:
            self._take(piece)
        finally:
            room.release()

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
