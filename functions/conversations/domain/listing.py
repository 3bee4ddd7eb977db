"""Questions that are answered by a list: what is seen, which signs there are, how many of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from functions.conversations.domain.answering import UNKNOWN, Answer
from functions.conversations.domain.kinds import ABOUT_VIDEOS, GENRES, kinds_named
from functions.conversations.domain.matching import tells
from functions.conversations.domain.question import content_of
from functions.conversations.domain.quoting import quoting
from functions.conversations.domain.things import is_thing, words_of
from shared.text.language import FUNCTION_WORDS, fold, term, terms_of, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import EvidenceMoment

_LISTS = re.compile(r"\b(?:what|which|list|name|enumerate)\b")
_COUNTS = re.compile(r"\bhow many\b")
_ONE_TITLE = re.compile(r"\b(?:title|heading|headline)\b")
_TITLE = re.compile(
    r"\b(?:title|name) (?:of|does) (?:the |this )?(?:whole )?(?P<of>\w+)(?: have| bear)?\W*$"
    r"|\b(?:what|how)(?:'s| is| was) (?:the |this )(?P<called>\w+) (?:called|named|titled|entitled)\W*$"
    r"|\bwhat(?:'s| is) (?:the |this )(?P<whose>\w+)'s (?:title|name)\W*$"
)
_SEEN = re.compile(r"\b(?:seen|see|visible|shown|detected|appears?|there)\b")
_LISTING = (
    ABOUT_VIDEOS | FUNCTION_WORDS | terms_of("list name enumerate different kind type sort find found detect detected")
)
_MOST_LISTED = 10


def listed(question: str, moments: Sequence[EvidenceMoment]) -> Answer | None:
    """The answer to a question for all of a kind, `None` for any other."""
    asked = fold(question)
    if not (_LISTS.search(asked) or _COUNTS.search(asked)):
        return None
    category = frozenset(word.term for word in words(asked)) - _LISTING
    kinds = kinds_named(asked)
    if _is_title_of_all(asked):
        return _title(moments)
    if kinds == {"text"} and not category:
        return _texts(asked, moments)
    things = [one for one in moments if is_thing(one) and all(tells(words_of(one), wanted) for wanted in category)]
    if things and _SEEN.search(asked) and not _COUNTS.search(asked) and kinds != {"speech"} and len(category) <= 1:
        return quoting(_each_once(things)[:_MOST_LISTED])
    return None


def _is_title_of_all(asked: str) -> bool:
    """Whether it asks what the video itself is called."""
    match = _TITLE.search(asked)
    return match is not None and term(match["of"] or match["called"] or match["whose"]) in GENRES


def _title(moments: Sequence[EvidenceMoment]) -> Answer:
    """The first text on screen, or else what the video opens with."""
    told = sorted((one for one in moments if one.kind in ("text", "speech")), key=lambda one: one.start_ms)
    first = next((one for one in told if one.kind == "text"), None) or next(iter(told), None)
    return quoting([first]) if first else UNKNOWN


def _texts(asked: str, moments: Sequence[EvidenceMoment]) -> Answer:
    texts = _each_once([one for one in moments if one.kind == "text"])
    if not texts:
        return UNKNOWN
    if _COUNTS.search(asked):
        return quoting(texts[:_MOST_LISTED], opening=f"{len(texts)}: ")
    return quoting(texts[:1] if _ONE_TITLE.search(asked) else texts[:_MOST_LISTED])


def _each_once(moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    """Where it is first; of a thing, however many they are."""
    first: dict[frozenset[str], EvidenceMoment] = {}
    for one in sorted(moments, key=lambda one: (one.video_id, one.start_ms)):
        said = content_of(one.text)
        first.setdefault(frozenset(told for told in said if not (is_thing(one) and told.isdigit())), one)
    return list(first.values())
