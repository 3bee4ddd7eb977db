"""Progress that moves as long as there is work, and never back."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from threading import Condition

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers import Analyzer, Findings, Listener, Resumable
from functions.analysis.decode import VideoInfo
from functions.analysis.documents import ResultStore
from functions.analysis.frames import Frame
from functions.analysis.measure import FileCheckpoints, FolderResults
from functions.analysis.pipeline import Steps, Subject, Workplace, analyse
from functions.analysis.sound import Sound
from functions.analysis.stopwatch import Stopwatch
from functions.videos.domain.results import ModelUsed
from tests.support.clips import music, scene, write_clip

FRAMES = 192
FOR_EVER = 20.0


class Shown:
    """The share that a user sees."""

    def __init__(self) -> None:
        self.shares = [0.0]
        self.spared: list[float] = []
        self._moved = Condition()

    def report(self, share: float) -> None:
        with self._moved:
            self.shares.append(share)
            self._moved.notify_all()

    def waits_to_move_beyond(self, share: float) -> bool:
        with self._moved:
            return self._moved.wait_for(lambda: self.shares[-1] > share, FOR_EVER)

    @property
    def share(self) -> float:
        return self.shares[-1]


class Silent(Resumable):
    """Finds nothing; `seen` are the numbers of the pictures that it was shown."""

    name = "silent"
    features = frozenset({"shots"})
    slow = False
    models: tuple[ModelUsed, ...] = ()
    lent = frozenset({"seen"})

    def __init__(self) -> None:
        self.seen: list[int] = []

    def see(self, frame: Frame) -> None:
        self.seen.append(frame.index)

    def hear(self, sound: Sound) -> None:
        pass

    def finish(self, duration_ms: int) -> Findings:
        return Findings()


class Slow(Listener, Resumable):
    """Lets the progress wait for it: it begins with the sound when the pictures are through, and takes no further
    piece of it before the one before shows.
    """

    name = "slow"
    features = frozenset({"speech"})
    slow = True
    models: tuple[ModelUsed, ...] = ()

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._last = 0.85
        self.stood_still = 0
        self.pieces = 0

    def hear(self, sound: Sound) -> None:
        self.pieces += 1
        if self.pieces == 2:
            return
        self.stood_still += not self._shown.waits_to_move_beyond(self._last)
        self._last = self._shown.share

    def finish(self, duration_ms: int) -> Findings:
        return Findings()


class NoEmbedder:
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 384), dtype=np.float32)


class Stop(Exception):
    pass


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds of which only the first picture can be decoded by itself."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    return write_clip(path, scene(1, FRAMES, pan=1), sound=music(8.0), encoder={"preset": "ultrafast", "g": "1000"})


def work_on(clip: Path, analyzer: Analyzer, shown: Shown, checkpoints: FileCheckpoints, stop_at: float = 2.0) -> None:
    def make(info: VideoInfo, results: ResultStore) -> Sequence[Analyzer]:
        return [analyzer]

    def check() -> None:
        if shown.share > stop_at:
            raise Stop

    steps = Steps(report=shown.report, check=check, resume=shown.spared.append)
    workplace = Workplace(FolderResults(None), checkpoints, steps, Stopwatch(), chunk_ms=1_000)
    analyse(clip, Subject("w", "v", "a", tuple(analyzer.features), "fast"), make, NoEmbedder(), workplace)


def test_progress_moves_with_each_piece_of_what_an_analyzer_has_left_to_do_at_the_end(clip: Path) -> None:
    shown = Shown()
    analyzer = Slow(shown)

    work_on(clip, analyzer, shown, FileCheckpoints(None))

    assert analyzer.pieces > 100
    assert analyzer.stood_still == 0
    assert shown.shares == sorted(shown.shares)
    assert shown.share == 1


def test_progress_moves_while_an_attempt_catches_up_with_the_one_before(clip: Path, tmp_path: Path) -> None:
    checkpoints = FileCheckpoints(tmp_path / "checkpoint")
    with pytest.raises(Stop):
        work_on(clip, Silent(), Shown(), checkpoints, stop_at=0.8)
    analyzer, shown = Silent(), Shown()

    work_on(clip, analyzer, shown, checkpoints)

    assert analyzer.seen == list(range(168, FRAMES))
    # All pictures have to be decoded once more, so nothing is spared, and each of them is progress.
    assert shown.spared[-1] < 0.02
    assert all(earlier <= later < earlier + 0.02 for earlier, later in pairwise(shown.shares) if later < 0.9)
    assert len({share for share in shown.shares if share < 0.65}) > 60


def test_an_attempt_that_begins_anew_is_spared_nothing(clip: Path, tmp_path: Path) -> None:
    checkpoints = FileCheckpoints(tmp_path / "checkpoint")
    with pytest.raises(Stop):
        work_on(clip, Silent(), Shown(), checkpoints, stop_at=0.8)
    other = write_clip(tmp_path / "other.mp4", scene(2, FRAMES, pan=1), encoder={"preset": "ultrafast", "g": "12"})
    analyzer, shown = Silent(), Shown()

    work_on(other, analyzer, shown, checkpoints)

    assert analyzer.seen == list(range(FRAMES))
    assert shown.spared[-1] == 0
