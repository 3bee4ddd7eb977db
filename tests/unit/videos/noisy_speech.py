"""Invented videos as an analysis would have left them, for judging how well their moments are found.

Sentences are spoken on without regard to segments, as the recogniser hears them: segments end wherever a pause or the
window did, some words are misheard, numbers are digits or words, punctuation is lost. Captions lose the spaces between
some words and their accents, as read ones do.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.text.language import NUMBERS, fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.unit.conversations.evaluation import Video

_MS_A_WORD = 380
_MISHEARD = 0.06
_JOINED = 0.3
_NUMBER_WORDS = {digits: word for word, digits in NUMBERS.items()}
_SOUNDS_ALIKE = (("ph", "f"), ("c", "k"), ("s", "z"), ("ee", "ea"), ("ie", "y"), ("a", "e"), ("o", "u"), ("t", "d"))


@dataclass(frozen=True)
class Segment:
    segment_id: str
    kind: str
    start_ms: int
    end_ms: int
    text: str


@dataclass(frozen=True)
class Recorded:
    """Segments in the order of time, and where each sentence and caption was in truth, by its id."""

    segments: tuple[Segment, ...]
    spans: dict[str, tuple[int, int]]

    def evidence(self, answered_by: Sequence[str]) -> set[str]:
        """The segments of the same kind that share more than half of what they could with one of these."""
        return {
            segment.segment_id
            for named in answered_by
            for segment in self.segments
            if segment.kind == named.partition("-")[0] and _is_within(segment, self.spans[named])
        }


def _is_within(segment: Segment, span: tuple[int, int]) -> bool:
    start_ms, end_ms = span
    shared = min(segment.end_ms, end_ms) - max(segment.start_ms, start_ms)
    return shared > min(segment.end_ms - segment.start_ms, end_ms - start_ms) / 2


def record(video: Video, seed: int) -> Recorded:
    draw = random.Random(f"{video.name}-{seed}")
    spans: dict[str, tuple[int, int]] = {}
    spoken: list[tuple[str, bool]] = []
    for number, sentence in enumerate(video.speech, start=1):
        written = sentence.split()
        spans[f"speech-{number:04}"] = len(spoken) * _MS_A_WORD, (len(spoken) + len(written)) * _MS_A_WORD
        spoken += [(word, at == len(written) - 1) for at, word in enumerate(written)]
    segments: list[Segment] = []
    first = 0
    while first < len(spoken):
        end = min(_segment_end(draw, spoken, first), len(spoken))
        said = " ".join(_heard(draw, word) for word, _ in spoken[first:end])
        number = len(segments) + 1
        segments.append(Segment(f"speech-{number:04}", "speech", first * _MS_A_WORD, end * _MS_A_WORD, said))
        first = end
    for number, caption in enumerate(video.captions, start=1):
        start_ms = number * 7_000
        spans[f"text-{number:04}"] = start_ms, start_ms + 3_000
        segments.append(Segment(f"text-{number:04}", "text", start_ms, start_ms + 3_000, _read(draw, caption)))
    return Recorded(tuple(sorted(segments, key=lambda one: (one.start_ms, one.segment_id))), spans)


def _segment_end(draw: random.Random, spoken: Sequence[tuple[str, bool]], first: int) -> int:
    """Half of the segments end with a sentence, the others where the recogniser's patience does."""
    longest = first + draw.randint(5, 14)
    if draw.random() < 0.5:
        for at in range(first + 2, min(longest + 6, len(spoken))):
            if spoken[at][1]:
                return at + 1
    return longest


def _heard(draw: random.Random, word: str) -> str:
    bare = word.strip(".,?!").lower()
    end = word[len(word.rstrip(".,?!")) :] if draw.random() < 0.7 else ""
    if bare in NUMBERS and draw.random() < 0.5:
        return NUMBERS[bare] + end
    if bare in _NUMBER_WORDS and draw.random() < 0.5:
        return _NUMBER_WORDS[bare] + end
    if len(bare) >= 4 and bare.isalpha() and draw.random() < _MISHEARD:
        return _misheard(draw, bare) + end
    return word.rstrip(".,?!") + end


def _misheard(draw: random.Random, word: str) -> str:
    for one, other in draw.sample(_SOUNDS_ALIKE, k=len(_SOUNDS_ALIKE)):
        if one in word[1:]:
            return word[0] + word[1:].replace(one, other, 1)
    at = draw.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _read(draw: random.Random, caption: str) -> str:
    shown = re.sub(" ", lambda _: "" if draw.random() < _JOINED else " ", caption)
    return fold(shown).upper() if draw.random() < 0.3 else shown
