"""Questions about the length of a video itself, which nobody tells in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from functions.conversations.domain.answering import UNKNOWN, Answer
from functions.conversations.domain.kinds import GENRES
from functions.conversations.domain.quoting import cite, clock, span
from shared.text.language import fold, term, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import EvidenceMoment

# Of these, a video may tell how long one lasts that it is about.
_VIDEOS = GENRES - terms_of("meeting course class tour workshop recipe feature show series seminar story")
_THE_VIDEO = r"(?:all |both |each )?(?:of )?(?:the |this |these |that )?(?:whole |entire |full )?(?P<what>\w+)"
_LENGTH = re.compile(
    rf"\bhow (?:long|many (?:seconds|minutes)) (?:is|are|was|does|do|did) {_THE_VIDEO}"
    r"(?: last| run| go on| take)?(?: in total| altogether| long)?\W*$"
    rf"|\b(?:length|duration|running time|run time) of {_THE_VIDEO.replace('what', 'of')}\W*$"
)
_LONGEST = re.compile(r"\bwhich\b(?: one)?(?: of)?(?: the| these)?(?: two| three)? ?(?P<what>\w*) (?:is|lasts|runs) ")
_LONGER = re.compile(r"\b(?P<less>shorter|shortest)\b|\b(?:longer|longest)\b")


def answer_by_duration(question: str, moments: Sequence[EvidenceMoment]) -> Answer | None:
    """How long each video is, or which is longest; `None` for other questions.

    What is cited of a video is the moment that it ends with.
    """
    asked = fold(question)
    if (match := _LENGTH.search(asked)) and term(match["what"] or match["of"]) in _VIDEOS:
        return _told(_last_of_each(moments))
    if (
        (longer := _LONGER.search(asked))
        and (match := _LONGEST.search(asked))
        and term(match["what"] or "one") in _VIDEOS | {term("one")}
    ):
        choose = min if longer["less"] else max
        last = _last_of_each(moments)
        return _told([choose(last, key=lambda one: one.video_ms)] if len(last) > 1 else [])
    return None


def _last_of_each(moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    last: dict[str, EvidenceMoment] = {}
    for one in moments:
        if one.video_ms and (one.video_id not in last or one.end_ms > last[one.video_id].end_ms):
            last[one.video_id] = one
    return list(last.values())


def _told(last: Sequence[EvidenceMoment]) -> Answer:
    if not last:
        return UNKNOWN
    told = [
        f"It lasts {one.video_ms / 1000:.0f} seconds ({clock(one.video_ms)}) and ends with “{cite(one).quote}” "
        f"({span(one)})."
        for one in last
    ]
    return Answer(" ".join(told), grounded=True, citations=tuple(map(cite, last)))
