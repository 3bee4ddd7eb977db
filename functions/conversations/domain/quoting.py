"""Answers in the words of the video, with where they stand."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.answering import Answer, Citation, EvidenceMoment
from functions.conversations.domain.matching import tells
from shared.text.language import words

if TYPE_CHECKING:
    from collections.abc import Sequence


def cite(moment: EvidenceMoment, terms: Sequence[str] = ()) -> Citation:
    return Citation(moment.video_id, moment.segment_id, moment.start_ms, moment.end_ms, _quote(moment.text, terms))


def quoting(moments: Sequence[EvidenceMoment], terms: Sequence[str] = (), opening: str = "") -> Answer:
    """The moments one after the other: “…” (0:05–0:10)."""
    citations = tuple(cite(moment, terms) for moment in moments)
    told = " ".join(f"“{one.quote}” ({span(one)})" for one in citations)
    return Answer(f"{opening}{told}", grounded=True, citations=citations)


def positions(moments: Sequence[EvidenceMoment], terms: Sequence[str] = (), opening: str = "") -> Answer:
    """Where in the video they are: At 0:05–0:10: “…”."""
    citations = tuple(cite(moment, terms) for moment in moments)
    told = ". Again at ".join(f"{span(one)}: “{one.quote}”" for one in citations)
    return Answer(f"{opening}At {told}.", grounded=True, citations=citations)


def span(one: EvidenceMoment | Citation) -> str:
    return f"{clock(one.start_ms)}–{clock(one.end_ms)}"


def _quote(text: str, terms: Sequence[str]) -> str:
    """The text itself, or of a long one the sentences from the first that says most of what is asked about."""
    text = text.strip()
    if len(text) <= _LONGEST_QUOTE:
        return text
    starts = [0, *(match.end() for match in _SENTENCE_BREAK.finditer(text))]
    said = [sum(tells(words(text[start:end]), term) for term in terms) for start, end in pairwise([*starts, len(text)])]
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
