from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answer_kinds import answer_strength
from functions.conversations.domain.answering import UNKNOWN, Answer, Citation, EvidenceMoment, Turn, checked
from functions.conversations.domain.comparing import compare, read_comparison
from functions.conversations.domain.counting import count
from functions.conversations.domain.duration import answer_by_duration
from functions.conversations.domain.evidence import gather, suffices
from functions.conversations.domain.kinds import kinds_named
from functions.conversations.domain.listing import listed
from functions.conversations.domain.matching import tells
from functions.conversations.domain.order import (
    anchored,
    beside,
    cited_among,
    narrowed,
    nth_of,
    of_kinds,
    read_beside,
    read_nth,
    runs_on,
    within,
)
from functions.conversations.domain.passages import is_question
from functions.conversations.domain.presenting import presenter
from functions.conversations.domain.question import Asks, Question, content_of, read_in_context, read_question
from functions.conversations.domain.quoting import positions, quoting
from functions.conversations.domain.scope import named_video
from functions.conversations.domain.sounds import answer_by_sound, without_sounds
from functions.conversations.domain.steps import read_step, step
from shared.text.language import fold, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.likelihood import Evidence
    from functions.conversations.domain.passages import Passage


class ExtractiveEngine:
    """Answers with what is said, written or seen in the videos themselves, word for word, or not at all.

    The moments are those of the conversation's videos, with their similarity to `search_text`. Rarity and context are
    read off them, so a handful of the best alone makes it more easily satisfied.
    """

    def answer(
        self,
        question: str,
        history: Sequence[Turn],
        moments: Sequence[EvidenceMoment],
        videos: Sequence[str] = (),
    ) -> Answer:
        return checked(_answer(question, history, moments, videos or _videos_of(moments)), moments)


def _videos_of(moments: Sequence[EvidenceMoment]) -> list[str]:
    return list(dict.fromkeys(one.video_id for one in moments))


def _answer(question: str, history: Sequence[Turn], moments: Sequence[EvidenceMoment], videos: Sequence[str]) -> Answer:
    before = history[-1] if history else None
    cited = before.citations if before else ()
    if named := named_video(question, videos, [one.video_id for one in cited]):
        question, video_id = named
        moments = [one for one in moments if one.video_id == video_id]
        if before and not read_question(question).terms:
            # "What about the second video?": the same is asked of another.
            question, history = _of_no_video(before.question, videos), history[:-1]
    asked = read_in_context(question, [turn.question for turn in history])
    if (heard := answer_by_sound(question, asked, moments)) is not None:
        return heard
    if time := narrowed(question, max((one.end_ms for one in moments), default=0)):
        question, span = time
        return _of_a_time(question, within(span, moments))
    return (
        answer_by_duration(question, moments)
        or _by_place(question, moments, cited)
        or _of_several(question, history, without_sounds(moments), () if named else videos)
        or _found(question, history, without_sounds(moments), cited)
    )


def _of_a_time(question: str, moments: Sequence[EvidenceMoment]) -> Answer:
    asked = read_question(question)
    if asked.terms and asked.asks is not Asks.SUMMARY:
        return _found(question, (), without_sounds(moments), ())
    told = of_kinds(moments, kinds_named(fold(question)))
    return quoting(told) if 0 < len(told) <= _MOST_IN_OVERVIEW else _overview(told, _MOST_IN_OVERVIEW)


def _by_place(question: str, moments: Sequence[EvidenceMoment], cited: Sequence[Citation]) -> Answer | None:
    if (place := read_beside(question)) and (place.anchor or cited):
        anchors = anchored(place.anchor, moments) if place.anchor else cited_among(moments, cited)
        if found := beside(place, moments, anchors):
            return quoting(found)
        return None if place.sought else UNKNOWN
    if (index := read_step(question)) is not None and (told := step(index, moments)) is not None:
        return quoting(told) if told else UNKNOWN
    if nth := read_nth(question):
        numbered = nth_of(nth, moments)
        if numbered is not None:
            return quoting(numbered) if numbered else UNKNOWN
    return None


def _of_several(
    question: str, history: Sequence[Turn], moments: Sequence[EvidenceMoment], videos: Sequence[str]
) -> Answer | None:
    comparison = read_comparison(question) if len(videos) > 1 else None
    if comparison is None:
        return None
    asked = read_in_context(question, [turn.question for turn in history])
    return compare(comparison, asked, {one: [m for m in moments if m.video_id == one] for one in videos})


def _of_no_video(question: str, videos: Sequence[str]) -> str:
    named = named_video(question, videos, ())
    return named[0] if named else question


def _found(
    question: str, history: Sequence[Turn], moments: Sequence[EvidenceMoment], cited: Sequence[Citation]
) -> Answer:
    asked = read_in_context(question, [turn.question for turn in history])
    told = count(question, asked, moments) or listed(question, moments) or presenter(asked, moments)
    if told is not None:
        return told
    if asked.asks is Asks.SUMMARY and not asked.terms and not asked.phrases:
        if _SAID.search(fold(question)) and not any(one.kind == "speech" for one in moments):
            return UNKNOWN
        return _overview(moments, _FEW_PARTS if _ABOUT.search(fold(question)) else _MOST_IN_OVERVIEW)
    before = cited_among(moments, cited)
    if asked.asks in _PLACES and asked.context and not asked.terms and before:
        # "And when is that said?"
        return positions(before)
    found = [evidence for evidence in gather(asked, moments, before) if suffices(asked, evidence)]
    if not found:
        return UNKNOWN
    if asked.asks is Asks.OCCURRENCE and found[0].features.kind == 1.0:
        # "When does the ferry leave?" is told in hours, or else where it leaves.
        return quoting(_telling(asked, found[0].passage), asked.terms)
    if asked.asks in _PLACES or asked.asks is Asks.EXISTENCE:
        places = _every(found, asked.edge)
        if asked.edge is not None:
            return positions([places[asked.edge]], asked.terms)
        return positions(places if asked.asks is Asks.POSITION else _telling(asked, found[0].passage), asked.terms)
    if asked.wants_place:
        return positions(_telling(asked, found[0].passage), asked.terms)
    if asked.asks is Asks.SUMMARY:
        return quoting(_every(found), asked.terms)
    return quoting(_telling(asked, found[0].passage), asked.terms)


def _every(found: Sequence[Evidence], edge: int | None = None) -> list[EvidenceMoment]:
    """Every place where it is said, in the order of the video."""
    best = found[0]
    alike = [
        one for one in found if one.features.coverage >= best.features.coverage - 0.01 and len(one.passage.moments) == 1
    ]
    if best not in alike:
        return list(best.passage.moments)
    return sorted(
        (one.passage.moments[0] for one in alike[: _MOST_CITED if edge is None else None]),
        key=lambda moment: moment.start_ms,
    )


_SAID = re.compile(r"\b(?:said|say|says|spoken|heard)\b")
_PLACES = (Asks.POSITION, Asks.OCCURRENCE)
_MOST_CITED = 3


def _telling(asked: Question, passage: Passage) -> list[EvidenceMoment]:
    """What of the passage to cite: all of a sentence, but not the sentence that only says who "they" are."""
    if is_question(passage.moments[0]):
        return [passage.moments[-1]]
    if len(passage.moments) == 1 or runs_on(*passage.moments):
        return list(passage.moments)

    if asked.asks is Asks.REASON and answer_strength(asked, passage.words, passage.text) == 0.0:
        return [passage.moments[-1]]

    def worth(moment: EvidenceMoment) -> tuple[float, float]:
        spoken = words(moment.text)
        told = sum(tells(spoken, term) for term in asked.terms)
        return answer_strength(asked, spoken, moment.text) or 0.0, told + moment.similarity

    return [max(passage.moments, key=worth)]


def _overview(moments: Sequence[EvidenceMoment], most: int) -> Answer:
    """The video in its own words: how it opens, and from each part what shares most with the rest."""
    told = of_kinds([one for one in moments if words(one.text)], frozenset())
    if not told:
        return UNKNOWN
    opening = told[0]
    said = [one for one in told if one.kind == "speech"]
    told = said if len(said) >= most else told
    spoken = [content_of(moment.text) for moment in told]
    shared = Counter(term for terms in spoken for term in terms)
    central = [sum(shared[term] - 1 for term in terms) / (len(terms) or 1) for terms in spoken]
    parts = min(most, len(told))
    edges = [len(told) * part // parts for part in range(parts + 1)]
    chosen = [max(range(first, end), key=lambda i: central[i]) for first, end in pairwise(edges)]
    summed = [told[i] for i in sorted({0, *chosen})]
    return quoting(summed if opening in summed else [opening, *summed])


_MOST_IN_OVERVIEW = 4
# What it is about is said where it opens, and in a few words.
_FEW_PARTS = 2
_ABOUT = re.compile(r"\b(?:about|topic|subject|theme)\b")
