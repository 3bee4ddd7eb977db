"""What of the moments bears on a question, and how likely it is to answer it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answer_kinds import answer_strength, is_proper_name
from functions.conversations.domain.likelihood import SUFFICIENT, Evidence, Features
from functions.conversations.domain.matching import likenesses
from functions.conversations.domain.passages import Passage, contains, is_around, is_question, passages
from functions.conversations.domain.question import ASKING_VERBS, Asks
from functions.conversations.domain.things import is_thing, words_of
from shared.text.language import FUNCTION_WORDS, inverse_frequency, terms_of
from shared.text.synonyms import opposites_of, same_as
from shared.text.word_classes import is_relating, is_wide

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from functions.conversations.domain.answering import EvidenceMoment
    from functions.conversations.domain.question import Question
    from shared.text.language import Word


@dataclass
class Holding:
    """The weights of the question's words: of all, and of those that a passage tells."""

    covered: float = 0.0
    total: float = 0.0
    things: float = 0.0
    absent: float = 0.0
    relating: float = 0.0
    related: float = 0.0


class Search:
    """One question's words in the moments of its videos."""

    def __init__(
        self, asked: Question, moments: Sequence[EvidenceMoment], cited: Sequence[EvidenceMoment] = ()
    ) -> None:
        self._asked = asked
        self._cited = cited
        self._moments = moments
        self._opening_ms = min((one.start_ms for one in moments), default=0) + _OPENING_MS
        self._most_similar = max((one.similarity for one in moments), default=0.0)
        self._spoken = [words_of(moment) for moment in moments]
        told = [frozenset(word.term for word in spoken) | _joined(spoken) for spoken in self._spoken]
        vocabulary = frozenset().union(*told)
        self._likeness = {term: likenesses(term, vocabulary) for term in (*asked.terms, *asked.context)}
        self._held = {
            term: [max((like[one] for one in its if one in like), default=0.0) for its in told]
            for term, like in self._likeness.items()
        }
        self._telling = {
            term: [(moment, grade) for moment, grade in zip(moments, held, strict=True) if grade]
            for term, held in self._held.items()
        }
        self._weights = {
            term: self._weight(term, inverse_frequency(sum(map(bool, held)), len(moments)))
            for term, held in self._held.items()
        }

    def _weight(self, term: str, rarity: float) -> float:
        if term in self._asked.context:
            return _CONTEXT_WEIGHT
        if self._is_thing(term):
            return rarity
        # That others are rare tells little: they are said in other words as well.
        return _WIDE_WEIGHT if is_wide(term) or term in self._asked.kind_words else _RELATING_WEIGHT

    def _is_thing(self, term: str) -> bool:
        if term in self._asked.names:
            return True
        return not (is_wide(term) or is_relating(term) or term in self._asked.kind_words or term in self._asked.context)

    def evidence(self) -> Iterator[Evidence]:
        for places in passages(self._moments, self._spoken, self._asked.asks is Asks.REASON):
            passage = self._passage(places)
            if (features := self._features(passage, places)) is not None:
                yield Evidence(passage, features)

    def _passage(self, places: Sequence[int]) -> Passage:
        if len(places) == 1:
            return Passage((self._moments[places[0]],), self._spoken[places[0]])
        spoken: list[Word] = []
        length = 0
        for at in places:
            spoken += (word._replace(start=word.start + length, end=word.end + length) for word in self._spoken[at])
            length += len(self._moments[at].text) + 1
        return Passage(tuple(self._moments[at] for at in places), tuple(spoken))

    def _features(self, passage: Passage, places: Sequence[int]) -> Features | None:
        """`None` for a passage that can't be the answer."""
        asked = self._asked
        if not self._is_of_its_kind(passage):
            return None
        # Of a question and its answer, the second has to answer.
        is_reply = is_question(passage.moments[0])
        answering = tuple(self._spoken[places[-1]]) if is_reply else passage.words
        text = passage.moments[-1].text if is_reply else passage.text
        if asked.asks is Asks.REASON and len(places) > 1:
            # What is said next gives the reason, not the sentence that it is one for.
            text = passage.moments[-1].text
        kind = answer_strength(asked, answering, text)
        if kind is None or (asked.asks is Asks.REASON and not self._may_be_reason(places)):
            return None
        kind = 1.0 if asked.kinds else kind
        held = self._holding(passage, places, kind)
        if held is None:
            return None
        is_typed = asked.asks not in _UNTYPED and not asked.asks_who_is_named
        return Features(
            coverage=held.covered / held.total if held.total else 0.0,
            relations=held.related / held.relating if held.relating else 1.0,
            absent=held.absent / held.things if held.things else 0.0,
            similarity=passage.similarity,
            closeness=passage.similarity / self._most_similar if self._most_similar else 1.0,
            is_typed=float(is_typed),
            kind=kind,
            is_joined=float(len(places) > 1 and asked.asks is not Asks.REASON),
            is_next=float(len(places) > 1 and asked.asks is Asks.REASON),
            is_name=float(is_typed and asked.asks in (Asks.WHO, Asks.NAME)),
            is_of_another=float(self._is_of_another(passage, places)),
            is_only_named=float(bool(asked.names) and held.relating > 0 and not held.related),
            is_reason=float(asked.asks is Asks.REASON),
        )

    def _is_of_its_kind(self, passage: Passage) -> bool:
        """Whether it is written where what is written is asked for, says what was quoted, and doesn't itself ask."""
        asked, first = self._asked, passage.moments[0]
        told = [word.term for word in passage.words]
        if asked.kinds and first.kind not in asked.kinds:
            return False
        if is_thing(first) and asked.asks not in _ANSWERED_BY_THINGS and not asked.is_yes_or_no:
            return False
        if asked.asks not in _UNTYPED_PLACES and is_question(passage.moments[-1]):
            return False
        return all(contains(told, phrase) for phrase in asked.phrases) and not self._is_opposite(told)

    def _may_be_reason(self, places: Sequence[int]) -> bool:
        # A reason follows what it is one for; what comes before it is told of something else.
        return len(places) == 1 or any(self._held[term][places[0]] for term in self._asked.terms)

    def _holding(self, passage: Passage, places: Sequence[int], kind: float) -> Holding | None:
        """How much of what is asked the passage tells; `None` where it leaves out a name or what is counted."""
        asked, told = self._asked, {word.term for word in passage.words}
        # "Read" may be what is asked about, or only how the video tells it.
        soft = sum(not {term, *same_as(term)}.isdisjoint(told) for term in asked.soft)
        # A number or a time is rarely told of anything but what is spoken of; names are everywhere.
        is_measure = kind == 1.0 and asked.asks in (Asks.NUMBER, Asks.WHEN)
        bears_on_it = is_measure or any(self._held[term][at] for term in asked.terms for at in places)
        refers_back = _refers_back(passage.words)
        held = Holding()
        for term, weight in self._weights.items():
            grade = max(self._held[term][at] for at in places)
            if term in asked.context and any(is_around(one, passage, _NEXT_TO_MS) for one in self._cited):
                grade = max(grade, _CONTEXT)
            near = grade or (self._near(term, passage) if bears_on_it else 0.0)
            if not near and term in asked.names:
                return None
            if term == asked.counted and self._is_thing(term) and self._telling[term] and not grade:
                # Its number would be told where it is; this is of something else.
                return None
            at_least = max(grade, _AROUND * near)
            if self._is_thing(term):
                held.things += weight
                held.absent += weight * (not self._telling[term])
            elif is_relating(term) and term not in asked.context:
                held.relating += weight
                held.related += weight * at_least
            if asked.asks is Asks.NUMBER and term in ASKING_VERBS and kind == 1.0:
                # That a number of grams is given tells how much it weighs.
                at_least = 1.0
            elif near and not grade and refers_back:
                at_least = _MEANT * near
            held.covered += weight * at_least
            held.total += weight
        counted_besides = (soft if bears_on_it or not asked.terms else 0) + bool(asked.phrases)
        held.covered += counted_besides
        held.total += counted_besides
        return held

    def _is_of_another(self, passage: Passage, places: Sequence[int]) -> bool:
        """Whether a name that is asked about is told near it at most, and it speaks of another: or of a "he"."""
        names = [self._held[name] for name in self._asked.names if name in self._held]
        if all(any(held[at] for at in places) for held in names):
            return False
        names_another = any(is_proper_name(word) for word in passage.words[1:]) and self._asked.asks not in _NAMING
        return names_another or not _HE.isdisjoint(word.term for word in passage.words[:2])

    def _near(self, term: str, passage: Passage) -> float:
        """How well the term is told near the passage, or where the video opens, which says what all of it is about."""
        return max(
            (
                grade
                for moment, grade in self._telling[term]
                if moment.end_ms <= self._opening_ms or is_around(moment, passage, _AROUND_MS)
            ),
            default=0.0,
        )

    def _is_opposite(self, told: Sequence[str]) -> bool:
        """Whether it tells of the shortest where the longest is asked for."""
        return not self._asked.is_yes_or_no and any(
            term not in told and not opposites_of(term).isdisjoint(told) for term in self._asked.terms
        )


_NAMING = (Asks.WHO, Asks.NAME, Asks.WHERE)
_HE = terms_of("he she his her")
_ANSWERED_BY_THINGS = (Asks.POSITION, Asks.OCCURRENCE, Asks.EXISTENCE, Asks.NUMBER)
_UNTYPED_PLACES = (Asks.POSITION, Asks.OCCURRENCE, Asks.EXISTENCE, Asks.SUMMARY)
_UNTYPED = (Asks.ANYTHING, Asks.POSITION, Asks.OCCURRENCE, Asks.EXISTENCE, Asks.SUMMARY, Asks.CAPTIONS)
# Of the rarity of a word that names a thing, which is 1 to 3.
_WIDE_WEIGHT, _RELATING_WEIGHT, _CONTEXT_WEIGHT = 0.4, 1.0, 0.6


def _joined(spoken: Sequence[Word]) -> frozenset[str]:
    """Two words as one: "short cut"."""
    return frozenset(first.term + second.term for first, second in pairwise(spoken))


def gather(asked: Question, moments: Sequence[EvidenceMoment], cited: Sequence[EvidenceMoment] = ()) -> list[Evidence]:
    """What there is to answer from, likeliest first. `cited` is what the answer before was from."""
    found = list(Search(asked, moments, cited).evidence()) if moments else []
    # Of two passages alike the shorter, then the earlier.
    found.sort(
        key=lambda one: (
            -one.log_odds,
            len(one.passage.moments),
            one.passage.moments[0].start_ms,
        )
    )
    return found


# What a sentence leaves out was mostly said shortly before, or is on screen.
_AROUND_MS, _OPENING_MS = 15_000, 12_000
# What a question points back to was said next to what answered the one before.
_NEXT_TO_MS, _CONTEXT = 8_000, 0.8
_AROUND = 0.4
# "It" is mostly what was spoken of there.
_MEANT = 0.7
_PRONOUNS = terms_of("it they them he she him her")
_DEMONSTRATIVES = terms_of("this these those that")


def _refers_back(spoken: Sequence[Word]) -> bool:
    """Whether it speaks of something told before: "it", or "this is", but not "this castle"."""
    return any(
        word.term in _PRONOUNS or (word.term in _DEMONSTRATIVES and (after is None or after.term in FUNCTION_WORDS))
        for word, after in pairwise((*spoken, None))
        if word is not None
    )


def suffices(asked: Question, evidence: Evidence) -> bool:
    if asked.phrases:
        return True
    if (
        asked.asks in (Asks.POSITION, Asks.OCCURRENCE, Asks.EXISTENCE)
        and evidence.features.kind < 1.0
        and evidence.features.coverage < _MOST
    ):
        # "There it says so" is false of half of it.
        return False
    return evidence.log_odds >= SUFFICIENT


_MOST = 0.8


def best_evidence(asked: Question, moments: Sequence[EvidenceMoment]) -> tuple[EvidenceMoment, ...]:
    """The moments of the strongest evidence that is enough; none where none is."""
    return next((one.passage.moments for one in gather(asked, moments) if suffices(asked, one)), ())
