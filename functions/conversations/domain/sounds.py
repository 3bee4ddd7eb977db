"""What is heard besides words: moments that say `music` or `singing`, and answer when, where and whether there is any.

They answer nothing else. That there is music tells neither whose it is nor what it is called.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from functions.conversations.domain.question import Asks
from functions.conversations.domain.quoting import positions, quoting
from shared.text.language import fold, term, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import Answer, EvidenceMoment
    from functions.conversations.domain.question import Question

SOUND = "sound"

_NAMES = {
    "music": terms_of("music tune melody soundtrack"),
    "singing": terms_of("sing song singer vocals"),
}
_EVERY_NAME = frozenset[str]().union(*_NAMES.values())
# What sounds do, and how they are asked for, says nothing of which.
_HAPPENS = terms_of("play start begin end stop finish come hear background")
_TIMELY = frozenset({Asks.POSITION, Asks.OCCURRENCE, Asks.WHEN, Asks.WHERE, Asks.EXISTENCE})
_WHETHER = re.compile(r"^(?:is|are|was|were|do|does|did|has|have|can|could)\b")
_SPOKEN_OF = re.compile(
    r"\b(?:say|says|said|mention\w*|talk\w*|speak\w*|spoken|discuss\w*|written|read|name\w*|call\w*)\b"
)
_LONG = term("long")
_MOST_CITED = 10


def answer_by_sound(question: str, asked: Question, moments: Sequence[EvidenceMoment]) -> Answer | None:
    """When there is music or singing, or for how long; `None` for other questions, and where there is none of it."""
    folded = fold(question)
    named = _EVERY_NAME.intersection(asked.terms)
    rest = set(asked.terms) - named - _HAPPENS - {asked.measure}
    if not named or rest or asked.phrases or _SPOKEN_OF.search(folded):
        return None
    heard = [one for one in moments if one.kind == SOUND and named & _NAMES.get(one.text, frozenset())]
    if not heard:
        return None
    heard.sort(key=lambda one: (one.video_id, one.start_ms))
    if asked.asks is Asks.NUMBER and asked.measure == _LONG:
        seconds = sum(one.end_ms - one.start_ms for one in heard) / 1000
        return quoting(heard[:_MOST_CITED], opening=f"For {seconds:.1f} seconds: ")
    if asked.asks in _TIMELY or _WHETHER.search(folded):
        return positions(heard[:_MOST_CITED])
    return None


def without_sounds(moments: Sequence[EvidenceMoment]) -> Sequence[EvidenceMoment]:
    return [one for one in moments if one.kind != SOUND]
