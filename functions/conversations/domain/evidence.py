"""What of the moments bears on a question, and whether that is enough to answer it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answer_kinds import holds_answer, names_measure
from functions.conversations.domain.question import ASKING_VERBS, Asks
from functions.conversations.domain.things import words_of
from shared.text.language import inverse_frequency, root, terms_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from functions.conversations.domain.answering import EvidenceMoment
    from functions.conversations.domain.question import Question
    from shared.text.language import Word


@dataclass(frozen=True)
class Passage:
    """One moment, or two of which the second continues the first."""

    moments: tuple[EvidenceMoment, ...]
    words: tuple[Word, ...]

    @property
    def text(self) -> str:
        return " ".join(moment.text for moment in self.moments)

    @property
    def similarity(self) -> float:
        return max(moment.similarity for moment in self.moments)


@dataclass(frozen=True)
class Evidence:
    passage: Passage
    coverage: float
    """How much of what is asked about the passage holds, each word weighted by how rare it is; 0..1."""
    lacks_unspoken: bool
    """Whether it lacks a word that isn't spoken around it either."""

    @property
    def strength(self) -> float:
        return self.coverage + self.passage.similarity


def gather(asked: Question, moments: Sequence[EvidenceMoment]) -> list[Evidence]:
    """What there is to answer from, strongest first."""
    spoken = [words_of(moment) for moment in moments]
    where = {
        term: [m for m, its_words in zip(moments, spoken, strict=True) if tells(its_words, term)]
        for term in asked.terms
    }
    weights = {term: inverse_frequency(len(telling), len(moments)) for term, telling in where.items()}
    found = [
        evidence
        for passage in _passages(moments, spoken)
        if (evidence := _evidence(asked, weights, where, passage)) is not None
    ]
    # Of two passages alike the shorter, then the earlier.
    found.sort(key=lambda one: (-one.strength, len(one.passage.moments), one.passage.moments[0].start_ms))
    return found


def _evidence(
    asked: Question, weights: dict[str, float], where: dict[str, list[EvidenceMoment]], passage: Passage
) -> Evidence | None:
    told = [word.term for word in passage.words]
    if not asked.names.issubset(told) or not all(contains(told, phrase) for phrase in asked.phrases):
        return None
    if not holds_answer(asked, passage.words, passage.text):
        return None
    if asked.phrases:
        return Evidence(passage, 1.0, lacks_unspoken=False)
    told_roots = frozenset(map(root, told))
    total = sum(weights.values())
    if asked.asks is Asks.NUMBER and not _names_subject(asked, told):
        return None
    measured = asked.asks is Asks.NUMBER and names_measure(asked, passage.words)
    covered = 0.0
    lacks_unspoken = False
    for term, weight in weights.items():
        if term in told or (measured and term in ASKING_VERBS):
            covered += weight
        elif root(term) in told_roots:
            covered += _SAME_ROOT * weight
        elif any(_is_around(moment, passage) for moment in where[term]):
            covered += _AROUND * weight
        else:
            lacks_unspoken = True
    if measured:
        # That a number of degrees is given is worth a word, when it is asked how hot something is.
        mean = total / len(weights) if weights else 1.0
        covered, total = covered + mean, total + mean
    return Evidence(passage, covered / total, lacks_unspoken) if covered else None


def _names_subject(asked: Question, told: Sequence[str]) -> bool:
    """Whether a number is one of what is asked about, rather than of something else in the same measure."""
    subject = [term for term in asked.terms if term not in ASKING_VERBS]
    roots = {root(term) for term in told}
    # "They weigh 230 grams" may be about what was spoken of before, "a waffle costs four euros" is about no beer.
    return not subject or any(root(term) in roots for term in subject) or not _IT.isdisjoint(told)


def tells(spoken: Sequence[Word], term: str) -> bool:
    return any(word.term == term or root(word.term) == root(term) for word in spoken)


def _is_around(moment: EvidenceMoment, passage: Passage) -> bool:
    first, last = passage.moments[0], passage.moments[-1]
    return (
        moment.video_id == first.video_id
        and moment.end_ms >= first.start_ms - _AROUND_MS
        and moment.start_ms <= last.end_ms + _AROUND_MS
    )


# What a sentence leaves out was mostly said shortly before, or is on screen.
_AROUND_MS = 30_000
_AROUND = 0.2
_SAME_ROOT = 0.9

# A passage that holds all the words may be about much else besides, so its similarity only has to be out of the noise.
WHOLE, _OUT_OF_THE_NOISE = 0.9, 0.15
# Words that it lacks are spoken of around it ("the dough", then "it").
_MOST, _RELATED = 0.6, 0.3
# Words that it lacks don't occur around it. They may be other words for the same, which only meaning can tell, but
# mostly they are what makes it another question.
_ALIKE = 0.6


def suffices(asked: Question, evidence: Evidence) -> bool:
    if asked.phrases:
        return True
    coverage, similarity = evidence.coverage, evidence.passage.similarity
    if coverage >= WHOLE:
        return similarity >= _OUT_OF_THE_NOISE
    if asked.asks in (Asks.POSITION, Asks.EXISTENCE):
        # "There it says so" is false of half of it.
        return False
    return coverage >= _MOST and similarity >= (_ALIKE if evidence.lacks_unspoken else _RELATED)


def _passages(moments: Sequence[EvidenceMoment], spoken: Sequence[tuple[Word, ...]]) -> Iterator[Passage]:
    for moment, its_words in zip(moments, spoken, strict=True):
        yield Passage((moment,), its_words)
    order = sorted(range(len(moments)), key=lambda i: (moments[i].video_id, moments[i].kind, moments[i].start_ms))
    for first, second in pairwise(order):
        if _continues(moments[first], moments[second], spoken[second]):
            yield Passage((moments[first], moments[second]), spoken[first] + spoken[second])


def _continues(first: EvidenceMoment, second: EvidenceMoment, second_words: Sequence[Word]) -> bool:
    """Whether a sentence runs on from one moment into the next, or the next speaks of the same ("It is …")."""
    if (first.video_id, first.kind) != (second.video_id, second.kind) or first.kind != "speech" or not second_words:
        return False
    if not 0 <= second.start_ms - first.end_ms <= _PAUSE_MS:
        return False
    return not SENTENCE_END.search(first.text) or second_words[0].term in _SPEAKS_OF_THE_SAME


_IT = terms_of("it they them this these those")
_PAUSE_MS = 1500
SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s*$")
_SPEAKS_OF_THE_SAME = terms_of("it they he she this these that those his her their its and but because so which who")


def contains(terms: Sequence[str], phrase: Sequence[str]) -> bool:
    width = len(phrase)
    return any(tuple(terms[at : at + width]) == tuple(phrase) for at in range(len(terms) - width + 1))


def best_evidence(asked: Question, moments: Sequence[EvidenceMoment]) -> tuple[EvidenceMoment, ...]:
    """The moments of the strongest evidence that is enough; none where none is."""
    return next((one.passage.moments for one in gather(asked, moments) if suffices(asked, one)), ())
