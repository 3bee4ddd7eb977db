"""Shot boundaries: of our two modes, beside PySceneDetect's detectors on the same files in the same run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from functions.analysis.job import Mode
from tests.evaluation import peers, race
from tests.evaluation.bars import Bar, share
from tests.evaluation.collection import COLLECTION, Clip
from tests.evaluation.library import Library
from tests.evaluation.truth import Boundary

TOLERANCE_FRAMES = 3
F1_FAST, F1_ACCURATE = 0.90, 0.95
MIN_CUTS, MIN_FADES = 150, 20


@dataclass(frozen=True, slots=True)
class Score:
    """Boundaries of both kinds that are there and that were found, and what was found besides."""

    cuts: int = 0
    cuts_found: int = 0
    fades: int = 0
    fades_found: int = 0
    false: int = 0

    def __add__(self, other: "Score") -> "Score":
        return Score(
            self.cuts + other.cuts,
            self.cuts_found + other.cuts_found,
            self.fades + other.fades,
            self.fades_found + other.fades_found,
            self.false + other.false,
        )

    @property
    def found(self) -> int:
        return self.cuts_found + self.fades_found

    @property
    def recall(self) -> float:
        return share(self.found, self.cuts + self.fades)

    @property
    def precision(self) -> float:
        return share(self.found, self.found + self.false)

    @property
    def f1(self) -> float:
        both = self.recall + self.precision
        return 2 * self.recall * self.precision / both if both else 0.0


def score(boundaries: Sequence[Boundary], starts: Iterable[int]) -> Score:
    """Each boundary is found once at most; a second start near it is as false as one far from any."""
    left = sorted(starts)
    found: list[Boundary] = []
    for boundary in sorted(boundaries, key=lambda one: one.first):
        first, last = boundary.first - TOLERANCE_FRAMES, boundary.last + TOLERANCE_FRAMES
        near = next((start for start in left if first <= start <= last), None)
        if near is not None:
            left.remove(near)
            found.append(boundary)
    fades = sum(boundary.fade for boundary in boundaries)
    fades_found = sum(boundary.fade for boundary in found)
    return Score(len(boundaries) - fades, len(found) - fades_found, fades, fades_found, len(left))


@dataclass
class Contest:
    """Who found what, summed over the clips."""

    totals: dict[str, Score] = field(default_factory=dict[str, Score])

    def enter(self, name: str, clip: Clip, starts: Iterable[int]) -> Score:
        assert clip.truth.boundaries is not None
        got = score(clip.truth.boundaries, starts)
        self.totals[name] = self.totals.get(name, Score()) + got
        return got


def evaluate(library: Library) -> list[Bar]:
    screen = library.screen
    screen.heading("Shots", f"boundaries within {TOLERANCE_FRAMES} frames")
    clips = [library.clip(name) for name in COLLECTION if library.clip(name).truth.boundaries is not None]
    python = peers.environment()
    contest = Contest()
    rows: list[tuple[str, ...]] = []
    for clip in clips:
        theirs = peers.detect(python, clip.path)
        scores = [
            contest.enter("fast", clip, _starts(library, clip.name, "fast")),
            contest.enter("accurate", clip, _starts(library, clip.name, "accurate")),
            *(contest.enter(name, clip, found) for name, found in theirs.items()),
        ]
        rows.append((clip.name, str(len(clip.truth.boundaries or ())), *(f"{one.f1:.3f}" for one in scores)))
    header = ("F1 by clip", "there", *contest.totals)
    screen.table([header, *rows], right=range(1, len(header)), header=True)
    screen.line()
    totals = [("all clips", "F1", "precision", "recall", "cuts", "fades", "false")]
    totals += [
        (
            name,
            f"{one.f1:.3f}",
            f"{one.precision:.3f}",
            f"{one.recall:.3f}",
            f"{one.cuts_found}/{one.cuts}",
            f"{one.fades_found}/{one.fades}",
            str(one.false),
        )
        for name, one in contest.totals.items()
    ]
    screen.table(totals, right=range(1, 7), header=True)
    ratio = race.slowest(library, python)
    return [*bars(contest), Bar("fast mode, times the speed of PySceneDetect's CLI", ratio, 1.0, unit="×")]


def bars(contest: Contest) -> list[Bar]:
    ours = ("fast", "accurate")
    best = max(one.f1 for name, one in contest.totals.items() if name not in ours)
    fast, accurate = (contest.totals[name] for name in ours)
    return [
        Bar("shots, cuts to be found", fast.cuts, MIN_CUTS),
        Bar("shots, fades to be found", fast.fades, MIN_FADES),
        Bar("shots, F1 of the fast mode", fast.f1, F1_FAST),
        Bar("shots, F1 of the accurate mode", accurate.f1, F1_ACCURATE),
        Bar("shots, F1 of the fast mode above PySceneDetect's best", fast.f1 - best, 0.0),
        Bar("shots, F1 of the accurate mode above it", accurate.f1 - best, 0.0),
    ]


def _starts(library: Library, name: str, mode: Mode) -> list[int]:
    """The first frames of all shots but the first one."""
    return [shot.start_frame for shot in library.analysed(name, mode).timeline.shots][1:]
