"""Questions that are answered by counting: how often something is said, how long it is shown, how many are seen."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from functions.conversations.domain.answering import UNKNOWN, Answer
from functions.conversations.domain.evidence import best_evidence
from functions.conversations.domain.matching import tells
from functions.conversations.domain.passages import contains
from functions.conversations.domain.question import Asks
from functions.conversations.domain.quoting import cite, positions, quoting, span
from functions.conversations.domain.things import how_many, is_thing, words_of
from shared.text.language import fold, term, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import EvidenceMoment
    from functions.conversations.domain.question import Question

_TIMES = re.compile(
    r"\bhow (?:many times|often)\b.*"
    r"\b(?:said|say|says|mention\w*|appears?|shown|seen|spoken|talk\w*|written|heard|used|come up)\b"
)
_SAID = re.compile(r"\b(?:said|say|says|mention\w*|spoken|talk\w*|heard)\b")
_SHOWN_FOR = re.compile(
    r"\bhow (?:long|many seconds)\b.*"
    r"\b(?:on (?:the )?screen|shown|displayed|visible|appears?|seen|in (?:the )?(?:shot|picture|view))\b"
)
_MOST = terms_of(
    "large largest great greatest high highest maximum number amount most least once time at simultaneous together"
)
_HOW_MANY = re.compile(r"\bhow many (\w+)|\b(?:maximum|largest|greatest|highest) (?:number|amount) of (\w+)")
_MOST_CITED = 10


def count(question: str, asked: Question, moments: Sequence[EvidenceMoment]) -> Answer | None:
    """The answer to a question that asks for a count, `None` for any other."""
    folded = fold(question)
    if _TIMES.search(folded):
        return _times(folded, asked, moments)
    if _SHOWN_FOR.search(folded):
        return _shown_for(asked, moments)
    things = [one for one in moments if is_thing(one)]
    if things and (match := _HOW_MANY.search(folded)):
        counted = term(match.group(1) or match.group(2))
        if set(asked.terms) <= _MOST | {counted}:
            return _most_at_once(counted, things)
    return None


def _times(question: str, asked: Question, moments: Sequence[EvidenceMoment]) -> Answer:
    holding = [one for one in moments if not is_thing(one) and _holds(asked, one)]
    if not holding:
        return UNKNOWN
    if any(one.kind == "speech" for one in holding) and _SAID.search(question):
        holding = [one for one in holding if one.kind == "speech"]
    holding.sort(key=lambda one: (one.video_id, one.start_ms))
    number = sum(_occurrences(asked, one) for one in holding)
    opening = f"{number} times. " if number > 1 else "Once. "
    return positions(holding[:_MOST_CITED], asked.terms, opening)


def _holds(asked: Question, moment: EvidenceMoment) -> bool:
    spoken = words_of(moment)
    told = [word.term for word in spoken]
    wanted = [term for term in asked.terms if term != asked.measure]
    if asked.phrases:
        return all(contains(told, phrase) for phrase in asked.phrases)
    return bool(wanted) and all(tells(spoken, term) for term in wanted)


def _occurrences(asked: Question, moment: EvidenceMoment) -> int:
    """Of one word, how often it is there; of several, that they are there together."""
    told = [word.term for word in words_of(moment)]
    wanted = [term for term in asked.terms if term != asked.measure]
    return max(1, told.count(wanted[0])) if len(wanted) == 1 and not asked.phrases else 1


def _shown_for(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer | None:
    found = best_evidence(
        replace(asked, asks=Asks.POSITION, measure=None), [one for one in moments if one.kind != "speech"]
    )
    if not found:
        return None
    first = min(found, key=lambda one: one.start_ms)
    seconds = (first.end_ms - first.start_ms) / 1_000
    return Answer(
        f"For {seconds:.1f} seconds ({span(first)}): “{cite(first, asked.terms).quote}”.",
        grounded=True,
        citations=(cite(first, asked.terms),),
    )


def _most_at_once(measure: str, things: Sequence[EvidenceMoment]) -> Answer | None:
    named = [one for one in things if any(word.term == measure for word in words_of(one))]
    if not named:
        return None
    most = max(named, key=lambda one: (how_many(one), -one.start_ms))
    return quoting([most], opening=f"At most {how_many(most)} at a time: ")
