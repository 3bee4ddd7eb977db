"""Who is speaking, and who made the video: presenters say their names, and credits name the makers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from functions.conversations.domain.kinds import GENRES
from functions.conversations.domain.matching import tells
from functions.conversations.domain.question import Asks
from functions.conversations.domain.quoting import quoting
from functions.conversations.domain.things import words_of
from shared.text.language import terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import Answer, EvidenceMoment
    from functions.conversations.domain.question import Question

_TELLING = terms_of("""\
    present presenter host narrate narrator speak speaker talk explain demonstrate review reviewer report reporter show
    moderate interviewer""")
_MAKING = terms_of("make maker film shoot direct director produce producer author")
# "Who gives the talk?", "Who leads the tour?": of a video of that kind, and nothing else.
_HOLDING = GENRES | terms_of("give hold lead leader guide teach teacher instructor coach trainer tour journey trip")

_NAME = r"(?:(?:Dr|Mr|Mrs|Ms|Prof|Professor|Doctor|Captain|Chef)\.? )?[A-Z][\w'’-]+"
_INTRODUCTION = re.compile(
    rf"\b(?:I(?:['’]m| am)|[Mm]y name(?:['’]s| is)|[Ii]t(?:['’]s| is)|[Tt]his is) (?!The\b){_NAME}"
    rf"|(?:^|[.,!?] ){_NAME} here\b"
)
_CREDIT = re.compile(rf"\b(?:[Bb]y|[Dd]irect(?:or|ion)|[Nn]arrator|[Pp]resenter|[Hh]ost)\b:? (?!The\b){_NAME}")


def presenter(asked: Question, moments: Sequence[EvidenceMoment]) -> Answer | None:
    """The answer to who presents or made the video, where that is told; `None` for other questions."""
    if asked.asks is not Asks.WHO or not asked.terms or asked.phrases or asked.context:
        return None
    about = [term for term in asked.terms if term not in _TELLING | _MAKING | _HOLDING]
    presents = not _TELLING.isdisjoint(asked.terms) and all(_is_told(term, moments) for term in about)
    if about and not presents:
        return None
    told = sorted((one for one in moments if one.kind in ("speech", "text")), key=lambda one: one.start_ms)
    forms = (_INTRODUCTION, _CREDIT) if _MAKING.isdisjoint(asked.terms) else (_CREDIT,)
    found = next((one for form in forms for one in told if form.search(one.text)), None)
    return quoting([found]) if found else None


def _is_told(term: str, moments: Sequence[EvidenceMoment]) -> bool:
    return any(tells(words_of(one), term) for one in moments)
