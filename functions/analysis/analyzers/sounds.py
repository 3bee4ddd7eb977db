"""What kinds of sound there are when: speech, singing and music, whatever is said or played."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Listener, Resumable
from functions.analysis.analyzers.stretch import Stretch
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.videos.domain.results import ModelUsed, SoundEvent, SoundKind

HEARD = (SoundKind.SPEECH, SoundKind.SINGING, SoundKind.MUSIC)
"""What a classifier tells of, in this order."""

FRAME_MS = 10

# What is remembered of the sound: three bytes a step, which is 650 kB for the longest of videos.
_STEP_MS = 100
_STEP = SAMPLE_RATE * _STEP_MS // 1000
_FRAMES = _STEP_MS // FRAME_MS
# What is said of a moment depends on what is around it, so a block is heard with some of the sound before and after.
_BLOCK = 20 * SAMPLE_RATE
_AROUND = 2 * SAMPLE_RATE


class SoundClassifier(Protocol):
    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    def likelihoods(self, samples: NDArray[np.int16]) -> NDArray[np.float32]:
        """From 0 to 1 for every `FRAME_MS` of at least 0.1 s of 16 kHz sound: a row with a column for each of `HEARD`.

        The last frames, which the model can't see whole, may be missing. Sound more than 2 s away changes nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Rule:
    """In steps: what is averaged, the longest pause within an event, and the shortest event."""

    averaged: int
    pause: int
    least: int


# Speech comes in phrases, music in pieces that have quiet bars.
_RULES = {
    SoundKind.SPEECH: _Rule(averaged=3, pause=7, least=3),
    SoundKind.SINGING: _Rule(averaged=11, pause=20, least=15),
    SoundKind.MUSIC: _Rule(averaged=11, pause=20, least=15),
}
# An event lasts as long as it stays likely enough to be continued, if it is ever likely enough to begin (Canny's
# hysteresis, over time).
_BEGINS = 0.5
_CONTINUES = 0.3


class SoundAnalyzer(Listener, Resumable):
    """No feature fails without it: the results then say nothing of sounds, and speech is there all the same."""

    name = "sounds"
    features: frozenset[str] = frozenset()
    slow = True
    lent = frozenset({"_classifier"})

    def __init__(self, classifier: SoundClassifier) -> None:
        self._classifier = classifier
        self._stretch = Stretch()
        # Of the stretch's first samples, those that are there for what they are around.
        self._heard = 0
        self._levels = array("B")

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._classifier.models

    def hear(self, sound: Sound) -> None:
        if not self._stretch.is_continued_by(sound):
            self._end_stretch()
        self._stretch.append(sound)
        while len(self._stretch) >= self._heard + _BLOCK + _AROUND:
            self._classify(self._heard + _BLOCK)

    def finish(self, duration_ms: int) -> Findings:
        self._end_stretch()
        stored = np.frombuffer(self._levels, dtype=np.uint8).reshape(-1, len(HEARD))
        levels = stored.astype(np.float32) / np.float32(255)
        found = [
            (begin * _STEP_MS, min(end * _STEP_MS, duration_ms), kind, float(levels[begin:end, column].mean()))
            for column, kind in enumerate(HEARD)
            for begin, end in _events(levels[:, column], _RULES[kind])
            if begin * _STEP_MS < duration_ms
        ]
        return Findings(
            sounds=tuple(
                SoundEvent(
                    segment_id=f"sound-{number:04}",
                    kind=kind,
                    start_ms=start_ms,
                    end_ms=end_ms,
                    confidence=round(confidence, 3),
                )
                for number, (start_ms, end_ms, kind, confidence) in enumerate(sorted(found), start=1)
            )
        )

    def _end_stretch(self) -> None:
        self._classify(len(self._stretch))
        self._stretch.drop(len(self._stretch))
        self._heard = 0

    def _classify(self, end: int) -> None:
        """The samples that weren't yet, up to `end`, by whole steps."""
        steps = (end - self._heard) // _STEP
        if not steps:
            return
        likelihoods = self._classifier.likelihoods(self._stretch.samples()[: end + _AROUND])
        first = self._heard * _FRAMES // _STEP
        frames = likelihoods[first : first + steps * _FRAMES]
        whole = np.pad(frames, ((0, steps * _FRAMES - len(frames)), (0, 0)), mode="edge")
        means = whole.reshape(steps, _FRAMES, len(HEARD)).mean(axis=1)
        self._keep(self._stretch.start_ms + self._heard * 1000 / SAMPLE_RATE, means)
        left = max(0, end - _AROUND)
        self._heard = end - left
        self._stretch.drop(left)

    def _keep(self, start_ms: float, means: NDArray[np.float32]) -> None:
        missing = round(start_ms / _STEP_MS) - len(self._levels) // len(HEARD)
        self._levels.extend(bytes(max(0, missing) * len(HEARD)))
        self._levels.frombytes(np.rint(means * 255).astype(np.uint8).tobytes())


def _events(levels: NDArray[np.float32], rule: _Rule) -> Iterator[tuple[int, int]]:
    """From which step to which, exclusively."""
    if not levels.size:
        return
    window = np.ones(rule.averaged, dtype=np.float32)
    # At the ends less is averaged.
    smooth = np.convolve(levels, window, "same") / np.convolve(np.ones_like(levels), window, "same")
    likely = np.concatenate(([False], smooth >= _CONTINUES, [False]))
    edges = np.flatnonzero(np.diff(likely.astype(np.int8)))
    runs = [(int(begin), int(end)) for begin, end in zip(edges[::2], edges[1::2], strict=True)]
    sure = [(begin, end) for begin, end in runs if smooth[begin:end].max() >= _BEGINS]
    for begin, end in _bridged(sure, rule.pause):
        if end - begin >= rule.least:
            yield begin, end


def _bridged(runs: Sequence[tuple[int, int]], pause: int) -> list[tuple[int, int]]:
    bridged: list[tuple[int, int]] = []
    for begin, end in runs:
        if bridged and begin - bridged[-1][1] <= pause:
            bridged[-1] = (bridged[-1][0], end)
        else:
            bridged.append((begin, end))
    return bridged
