from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answer_kinds import holds_answer, names_measure
from functions.conversations.domain.answering import UNKNOWN, Answer, Citation, EvidenceMoment, Turn, checked
from functions.conversations.domain.question import ASKING_VERBS, Asks, Question, read_in_context
from shared.text.language import FUNCTION_WORDS, fold, inverse_frequency, root, terms_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


class ExtractiveEngine:
    """Answers with what is said or written in the video itself, word for word, or not at all.

    The moments are those of one video, or the best few hundred of many, with their similarity to `search_text`. Rarity
    and context are read off them, so a handful of the best alone makes it more easily satisfied.
    """

    def answer(self, question: str, history: Sequence[Turn], moments: Sequence[EvidenceMoment]) -> Answer:
        asked = read_in_context(question, [turn.question for turn in history])
        return checked(_answer(asked, moments), moments)


def _answer(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    if asked.asks in (Asks.SUMMARY, Asks.CAPTIONS) and not asked.terms and not asked.phrases:
        return _overview(asked, moments)
    found = [evidence for evidence in gather(asked, moments) if suffices(asked, evidence)]
    if not found:
        return UNKNOWN
    best = found[0]
    if asked.asks in (Asks.POSITION, Asks.EXISTENCE, Asks.SUMMARY):
        # Every place where it is said, in the order of the video.
        alike = [one for one in found if one.coverage >= best.coverage - 0.01 and len(one.passage.moments) == 1]
        cited = sorted((one.passage.moments[0] for one in alike[:_MOST_CITED]), key=lambda moment: moment.start_ms)
        cited = cited if best in alike else list(best.passage.moments)
    else:
        cited = _telling(asked, best.passage)
    return _quoting(asked, cited)


def _telling(asked: Question, passage: Passage) -> list[EvidenceMoment]:
    """What of the passage to cite: all of a sentence, but not the sentence that only says who "they" are."""
    if len(passage.moments) == 1 or not _SENTENCE_END.search(passage.moments[0].text):
        return list(passage.moments)

    def tells(moment: EvidenceMoment) -> tuple[bool, float]:
        spoken = words(moment.text)
        return holds_answer(asked, spoken, moment.text), sum(
            _tells(spoken, term) for term in asked.terms
        ) + moment.similarity

    return [max(passage.moments, key=tells)]


def gather(asked: Question, moments: Sequence[EvidenceMoment]) -> list[Evidence]:
    """What there is to answer from, strongest first."""
    spoken = [tuple(words(moment.text)) for moment in moments]
    where = {
        term: [m for m, its_words in zip(moments, spoken, strict=True) if _tells(its_words, term)]
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
    if not asked.names.issubset(told) or not all(_contains(told, phrase) for phrase in asked.phrases):
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


def _tells(spoken: Sequence[Word], term: str) -> bool:
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
_MOST_CITED = 3

# A passage that holds all the words may be about much else besides, so its similarity only has to be out of the noise.
_WHOLE, _OUT_OF_THE_NOISE = 0.9, 0.15
# Words that it lacks are spoken of around it ("the dough", then "it").
_MOST, _RELATED = 0.6, 0.3
# Words that it lacks don't occur around it. They may be other words for the same, which only meaning can tell, but
# mostly they are what makes it another question.
_ALIKE = 0.6


def suffices(asked: Question, evidence: Evidence) -> bool:
    if asked.phrases:
        return True
    coverage, similarity = evidence.coverage, evidence.passage.similarity
    if coverage >= _WHOLE:
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
    return not _SENTENCE_END.search(first.text) or second_words[0].term in _SPEAKS_OF_THE_SAME


_IT = terms_of("it they them this these those")
_PAUSE_MS = 1500
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)]*\s*$")
_SPEAKS_OF_THE_SAME = terms_of("it they he she this these that those his her their its and but because so which who")


def _contains(terms: Sequence[str], phrase: Sequence[str]) -> bool:
    width = len(phrase)
    return any(tuple(terms[at : at + width]) == tuple(phrase) for at in range(len(terms) - width + 1))


def _quoting(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    citations = tuple(
        Citation(moment.video_id, moment.segment_id, moment.start_ms, moment.end_ms, _quote(moment.text, asked.terms))
        for moment in moments
    )
    when = [f"{clock(one.start_ms)}–{clock(one.end_ms)}" for one in citations]
    if asked.asks in (Asks.POSITION, Asks.EXISTENCE):
        told = ". Again at ".join(f"{at}: “{one.quote}”" for at, one in zip(when, citations, strict=True))
        return Answer(f"At {told}.", grounded=True, citations=citations)
    told = " ".join(f"“{one.quote}” ({at})" for at, one in zip(when, citations, strict=True))
    return Answer(told, grounded=True, citations=citations)


def _overview(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    """The video in its own words: its captions, or from each part what shares most with the rest."""
    told = sorted(
        (moment for moment in moments if words(moment.text)), key=lambda moment: (moment.video_id, moment.start_ms)
    )
    captions = [moment for moment in told if moment.kind == "text"]
    if asked.asks is Asks.CAPTIONS:
        told = list({fold(moment.text): moment for moment in reversed(captions)}.values())[::-1]
        return _quoting(asked, told[:_MOST_IN_OVERVIEW]) if told else UNKNOWN
    if not told:
        return UNKNOWN
    spoken = [_content(moment) for moment in told]
    shared = Counter(term for terms in spoken for term in terms)
    central = [sum(shared[term] - 1 for term in terms) / (len(terms) or 1) for terms in spoken]
    parts = min(_MOST_IN_OVERVIEW, len(told))
    edges = [len(told) * part // parts for part in range(parts + 1)]
    chosen = [max(range(first, end), key=lambda i: central[i]) for first, end in pairwise(edges)]
    return _quoting(asked, [told[i] for i in chosen])


_MOST_IN_OVERVIEW = 5


def _content(moment: EvidenceMoment) -> frozenset[str]:
    return frozenset(word.term for word in words(moment.text)) - FUNCTION_WORDS


def _quote(text: str, terms: Sequence[str]) -> str:
    """The text itself, or of a long one the sentences from the first that says most of what is asked about."""
    text = text.strip()
    if len(text) <= _LONGEST_QUOTE:
        return text
    starts = [0, *(match.end() for match in _SENTENCE_BREAK.finditer(text))]
    said = [
        sum(_tells(words(text[start:end]), term) for term in terms) for start, end in pairwise([*starts, len(text)])
    ]
    start = starts[said.index(max(said))]
    end = max((end for end in [*starts, len(text)] if start < end <= start + _LONGEST_QUOTE), default=0)
    if not end:
        space = text.rfind(" ", start, start + _LONGEST_QUOTE)
        end = space if space > start else start + _LONGEST_QUOTE
    return text[start:end].strip()


_LONGEST_QUOTE = 300
_SENTENCE_BREAK = re.compile(r"(?<=[.!?…])\s+")


def clock(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"
