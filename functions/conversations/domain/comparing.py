"""Questions about several videos at once: which of them, both, what differs, what they share."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING

from functions.conversations.domain.answering import UNKNOWN, Answer
from functions.conversations.domain.evidence import best_evidence
from functions.conversations.domain.question import Asks, content_of
from functions.conversations.domain.quoting import cite, span
from shared.text.language import fold, terms_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from functions.conversations.domain.answering import EvidenceMoment
    from functions.conversations.domain.question import Question


class Comparison(StrEnum):
    WHICH = "which"
    BOTH = "both"
    DIFFERENCE = "difference"
    SHARED = "shared"


_VIDEOS = r"(?: of)?(?: the| these)?(?: two| three)? (?:videos?|clips?|films?|movies?)"
_FORMS = (
    (re.compile(r"\bin common\b|\bshare\b|\bsimilar(?:ity|ities)?\b|\balike\b"), Comparison.SHARED),
    (re.compile(r"\bcompar\w*\b|\bdiffer\w*\b"), Comparison.DIFFERENCE),
    (re.compile(rf"\b(?:both|each|all|either){_VIDEOS}\b"), Comparison.BOTH),
    (re.compile(rf"\b(?:which|what)(?: one)?{_VIDEOS}\b"), Comparison.WHICH),
)
_COMPARING = terms_of(
    """\
    compare comparison differ difference different between both each all either two three common share similar
    similarity alike which one videos clips films movies"""
)
_TOLD_OF_EACH = 2
_MOST_SHARED = 3


def read_comparison(question: str) -> Comparison | None:
    asked = fold(question)
    return next((comparison for form, comparison in _FORMS if form.search(asked)), None)


def compare(comparison: Comparison, asked: Question, by_video: Mapping[str, Sequence[EvidenceMoment]]) -> Answer:
    """`by_video` holds the moments of each video, in the order of the conversation's videos."""
    terms = tuple(term for term in asked.terms if term not in _COMPARING)
    about = replace(asked, terms=terms, names=asked.names.intersection(terms), measure=None)
    if comparison is Comparison.SHARED and not about.terms:
        return _shared(by_video)
    if not about.terms and not about.phrases:
        told = {video_id: _most_central(moments) for video_id, moments in by_video.items()}
        return _each(told, by_video) if comparison is Comparison.DIFFERENCE else UNKNOWN
    asks = Asks.EXISTENCE if comparison in (Comparison.WHICH, Comparison.BOTH) else Asks.ANYTHING
    told = {video_id: list(best_evidence(replace(about, asks=asks), moments)) for video_id, moments in by_video.items()}
    return _each(told, by_video, about.terms)


def _each(
    told: Mapping[str, Sequence[EvidenceMoment]], videos: Mapping[str, object], terms: Sequence[str] = ()
) -> Answer:
    names = {video_id: f"video {number}" for number, video_id in enumerate(videos, start=1)}
    citations = tuple(cite(moment, terms) for moments in told.values() for moment in moments)
    if not citations:
        return UNKNOWN
    lines = []
    for video_id, moments in told.items():
        quotes = " ".join(f"“{cite(one, terms).quote}” ({span(one)})" for one in moments)
        lines.append(f"In {names[video_id]}: {quotes}." if quotes else f"Nothing of it in {names[video_id]}.")
    return Answer(" ".join(lines), grounded=True, citations=citations)


def _most_central(moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    """What shares most words with the rest of its video."""
    spoken = [one for one in moments if one.kind in ("speech", "text")] or list(moments)
    said = Counter(term for one in spoken for term in content_of(one.text))

    def weight(one: EvidenceMoment) -> float:
        content = content_of(one.text)
        return sum(said[term] - 1 for term in content) / (len(content) or 1)

    chosen = sorted(spoken, key=weight, reverse=True)[:_TOLD_OF_EACH]
    return sorted(chosen, key=lambda one: one.start_ms)


def _shared(by_video: Mapping[str, Sequence[EvidenceMoment]]) -> Answer:
    """Moments that hold the words which occur in every video, one of each video for each such word."""
    said = [frozenset(term for one in moments for term in content_of(one.text)) for moments in by_video.values()]
    common = frozenset.intersection(*said) if said else frozenset()
    told: dict[str, list[EvidenceMoment]] = {}
    for video_id, moments in by_video.items():
        held = sorted(moments, key=lambda one: len(content_of(one.text) & common), reverse=True)
        told[video_id] = [one for one in held[:_MOST_SHARED] if content_of(one.text) & common][:1]
    return _each(told, by_video, tuple(common)) if common else UNKNOWN
