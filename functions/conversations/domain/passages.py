"""What may answer: single moments, and two where a sentence needs both."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from shared.text.language import terms_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from functions.conversations.domain.answering import EvidenceMoment
    from shared.text.language import Word


@dataclass(frozen=True)
class Passage:
    """One moment, or what is said in a few that follow one another."""

    moments: tuple[EvidenceMoment, ...]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(moment.text for moment in self.moments)

    @property
    def similarity(self) -> float:
        return max(moment.similarity for moment in self.moments)


def passages(
    moments: Sequence[EvidenceMoment], spoken: Sequence[Sequence[Word]], are_neighbours_told: bool
) -> Iterator[tuple[int, ...]]:
    """Each moment, and two where a sentence needs both; all neighbours where a reason is told next to its effect."""
    order = sorted(range(len(moments)), key=lambda at: (moments[at].video_id, moments[at].kind, moments[at].start_ms))
    for at in order:
        yield (at,)
    for first, second in pairwise(order):
        are_told = are_neighbours_told and follows(moments[first], moments[second])
        if are_told or _continues(moments[first], moments[second], spoken[second]):
            yield (first, second)


def _continues(first: EvidenceMoment, second: EvidenceMoment, second_words: Sequence[Word]) -> bool:
    """Whether a sentence runs on into the second, or it answers the first, or speaks of the same ("It is …")."""
    if not second_words or not follows(first, second):
        return False
    end = SENTENCE_END.search(first.text)
    return end is None or "?" in end.group() or second_words[0].term in _SPEAKS_OF_THE_SAME


_SPEAKS_OF_THE_SAME = terms_of("it they he she this these that those his her their its and but because so which who")


def follows(first: EvidenceMoment, second: EvidenceMoment) -> bool:
    """Whether what is said goes on in the second without a pause."""
    return (
        (first.video_id, first.kind) == (second.video_id, second.kind)
        and first.kind == "speech"
        and 0 <= second.start_ms - first.end_ms <= _PAUSE_MS
    )


_PAUSE_MS = 1500
SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s*$")


def is_question(moment: EvidenceMoment) -> bool:
    """Whether all that is said asks, and so doesn't answer."""
    return moment.text.rstrip().endswith("?") and not _STATEMENT.search(moment.text)


_STATEMENT = re.compile(r"[.!]\s")


def contains(terms: Sequence[str], phrase: Sequence[str]) -> bool:
    width = len(phrase)
    return any(tuple(terms[at : at + width]) == tuple(phrase) for at in range(len(terms) - width + 1))


def is_around(moment: EvidenceMoment, passage: Passage, within_ms: int) -> bool:
    first, last = passage.moments[0], passage.moments[-1]
    return (
        moment.video_id == first.video_id
        and moment.end_ms >= first.start_ms - within_ms
        and moment.start_ms <= last.end_ms + within_ms
    )
