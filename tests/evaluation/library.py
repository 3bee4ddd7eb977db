"""The clips with what the worker's own pipeline finds in them, in this run."""

import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from functions.analysis.job import AVAILABLE_FEATURES, Mode
from functions.analysis.measure import FolderResults, measure
from functions.videos.domain.results import MOMENTS, TEXTS, TIMELINE, TRANSCRIPT, Moments, Texts, Timeline, Transcript
from infra.local.screen import Screen
from tests.evaluation.collection import COLLECTION, Clip

# Cut and faded, and nobody asks about them: looking for words in them would only take time.
SHOTS_ALONE = frozenset({"montage", "patterns", "fades"})


@dataclass(frozen=True)
class Analysed:
    clip: Clip
    folder: Path
    features: tuple[str, ...]

    @cached_property
    def timeline(self) -> Timeline:
        return Timeline.model_validate_json((self.folder / TIMELINE).read_bytes())

    @cached_property
    def texts(self) -> Texts:
        return Texts.model_validate_json((self.folder / TEXTS).read_bytes())

    @cached_property
    def transcript(self) -> Transcript:
        return Transcript.model_validate_json((self.folder / TRANSCRIPT).read_bytes())

    @cached_property
    def moments(self) -> Moments:
        return Moments.model_validate_json((self.folder / MOMENTS).read_bytes())


@dataclass
class Library:
    """Makes and analyses a clip when it is first asked for. `features` are what the parts of this run look at."""

    screen: Screen
    folder: Path
    features: frozenset[str]
    _clips: dict[str, Clip] = field(default_factory=dict[str, Clip])
    _analysed: dict[tuple[str, Mode], Analysed] = field(default_factory=dict[tuple[str, Mode], Analysed])

    def clip(self, name: str) -> Clip:
        if name not in self._clips:
            self._clips[name] = COLLECTION[name]()
        return self._clips[name]

    def analysed(self, name: str, mode: Mode = "fast") -> Analysed:
        """In the fast mode with all that is looked at in this run, in the other one with the shots alone."""
        key = name, mode
        if key not in self._analysed:
            clip = self.clip(name)
            alone = name in SHOTS_ALONE or mode != "fast"
            features = ("shots",) if alone else tuple(sorted(self.features & AVAILABLE_FEATURES))
            with self.screen.step(f"analysing {name}, {mode}") as step:
                folder = self.folder / f"{name}-{mode}"
                started = time.perf_counter()
                measure(clip.path, features, mode, FolderResults(folder))
                seconds = time.perf_counter() - started
                step.outcome = f"analysed {name}, {mode}: {clip.truth.duration_ms / 1000 / seconds:.1f}× real time"
            self._analysed[key] = Analysed(clip, folder, features)
        return self._analysed[key]
