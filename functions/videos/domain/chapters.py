"""Where a video turns to something else, told from its shots, its speech and the texts on its screen.

A chapter begins with a shot. How much speaks for it is added up: the picture fades, nobody speaks for a while, a title
appears, the words change (the idea of Hearst's TextTiling: lexical cohesion drops where the subject changes). Of the
places that enough speaks for, the best are taken first, each at some distance from the others.
"""

import math
import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from functions.videos.domain.results import ScreenText, Shot, SpeechSegment, Transition

# Chapters are no shorter than a twelfth of the video, within these bounds.
_SHORTEST_MS = 15_000
_LONGEST_SHORTEST_MS = 300_000
_CHAPTERS = 12
# What must speak for a beginning: two of the four signs, or one and a half strong ones.
_CONVINCING = 1.5
_LONG_PAUSE_MS = 3_000
_COMPARED_MS = 60_000
_FEWEST_WORDS = 12

# A title appears with its chapter, stands alone, is large and is read at a glance.
_TITLE_WITHIN_MS = 5_000
_TITLE_HEIGHT = 0.035
_TITLE_CHARACTERS = 80
_TITLE_CONFIDENCE = 0.8
_LETTERS = re.compile(r"[^\W\d_]")
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True, slots=True)
class Chapter:
    start_ms: int
    end_ms: int
    title: str | None


def chapters(
    duration_ms: int, shots: Sequence[Shot], texts: Sequence[ScreenText], speech: Sequence[SpeechSegment]
) -> list[Chapter]:
    """At least one, the first from the beginning and the last to the end, without gaps."""
    shortest = min(_LONGEST_SHORTEST_MS, max(_SHORTEST_MS, duration_ms // _CHAPTERS))
    evidence = _Evidence(texts, speech)
    scored = sorted(((evidence.of(shot), shot.start_ms) for shot in shots), key=lambda one: (-one[0], one[1]))
    starts = [0]
    for score, start_ms in scored:
        near = any(abs(start_ms - other) < shortest for other in (*starts, duration_ms))
        if score >= _CONVINCING and not near:
            starts.append(start_ms)
    starts.sort()
    return [
        Chapter(start, end, evidence.title(start))
        for start, end in zip(starts, [*starts[1:], duration_ms], strict=True)
        if end > start
    ]


class _Evidence:
    def __init__(self, texts: Sequence[ScreenText], speech: Sequence[SpeechSegment]) -> None:
        self._texts = sorted(texts, key=lambda text: text.start_ms)
        self._text_starts = [text.start_ms for text in self._texts]
        self._speech = sorted(speech, key=lambda segment: segment.start_ms)
        self._speech_starts = [segment.start_ms for segment in self._speech]
        self._said = [_WORD.findall(segment.text.casefold()) for segment in self._speech]
        self._spread = Counter(word for words in self._said for word in set(words))

    def of(self, shot: Shot) -> float:
        fades = 1.0 if shot.transition is Transition.FADE else 0.0
        titled = 1.0 if self.title(shot.start_ms) else 0.0
        return fades + titled + self._pause(shot.start_ms) + self._change_of_words(shot.start_ms)

    def title(self, start_ms: int) -> str | None:
        """The largest of the texts that appear with a chapter, where one is fit to be its title."""
        first = bisect_left(self._text_starts, start_ms)
        last = bisect_left(self._text_starts, start_ms + _TITLE_WITHIN_MS)
        fit = [text for text in self._texts[first:last] if _is_title(text)]
        return max(fit, key=lambda text: text.box.height).text if fit else None

    def _pause(self, start_ms: int) -> float:
        """From 0 to 1: for how long nobody has spoken. Where nobody speaks at all, silence says nothing."""
        following = bisect_left(self._speech_starts, start_ms)
        if not following:
            return 0.0
        return max(0.0, min(1.0, (start_ms - self._speech[following - 1].end_ms) / _LONG_PAUSE_MS))

    def _change_of_words(self, start_ms: int) -> float:
        """From 0 to 1: how little the minute before and the minute after have in common."""
        before = self._words(start_ms - _COMPARED_MS, start_ms)
        after = self._words(start_ms, start_ms + _COMPARED_MS)
        if min(before.total(), after.total()) < _FEWEST_WORDS:
            return 0.0
        one = {word: count * self._weight(word) for word, count in before.items()}
        other = {word: count * self._weight(word) for word, count in after.items()}
        lengths = _length(one) * _length(other)
        shared = sum(weight * other.get(word, 0.0) for word, weight in one.items())
        return 1.0 - shared / lengths if lengths else 0.0

    def _words(self, from_ms: int, to_ms: int) -> Counter[str]:
        first, last = bisect_left(self._speech_starts, from_ms), bisect_left(self._speech_starts, to_ms)
        return Counter(word for words in self._said[first:last] for word in words)

    def _weight(self, word: str) -> float:
        """Inverse document frequency: a word that is said all the time tells no subject."""
        return math.log(len(self._said) / self._spread[word])


def _is_title(text: ScreenText) -> bool:
    return (
        len(_LETTERS.findall(text.text)) >= 3
        and len(text.text) <= _TITLE_CHARACTERS
        and text.confidence >= _TITLE_CONFIDENCE
        and text.box.height >= _TITLE_HEIGHT
    )


def _length(vector: Mapping[str, float]) -> float:
    return math.sqrt(sum(weight * weight for weight in vector.values()))
