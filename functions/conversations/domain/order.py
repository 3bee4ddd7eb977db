"""Questions that name a place in the video: "the second caption", "at 1:30", "in the last minute", "after that"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from functions.conversations.domain.evidence import gather
from functions.conversations.domain.kinds import ABOUT_VIDEOS, kinds_named
from functions.conversations.domain.matching import tells
from functions.conversations.domain.passages import SENTENCE_END, follows
from functions.conversations.domain.question import Asks, read_question
from functions.conversations.domain.things import is_thing, words_of
from shared.text.language import FUNCTION_WORDS, fold, terms_of, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import Citation, EvidenceMoment


class Relation(StrEnum):
    AFTER = "after"
    BEFORE = "before"


@dataclass(frozen=True)
class Nth:
    """What is the `index`-th of its kinds, from the end if negative."""

    index: int
    kinds: frozenset[str]
    category: frozenset[str] = frozenset()
    """Of things, which: the first animal."""


@dataclass(frozen=True)
class Beside:
    """What comes right after or before something: `anchor` tells of what, or is `None` for what was cited last."""

    relation: Relation
    anchor: str | None
    kinds: frozenset[str]
    sought: tuple[str, ...] = ()
    """What it is about, if that is said."""


# --- spans of time

_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_UNIT_MS = {"second": 1_000, "minute": 60_000}
_AT_CLOCK = re.compile(
    rf"\b(?:(?:at|around|about|from|between|after)\s+)?(?:the\s+)?{_CLOCK}(?:\s*(?:to|and|until|till|-|–)\s*{_CLOCK})?"
    r"(?:\s+mark)?"
)
_AT_COUNT = re.compile(
    r"\b(?:at|around|after)\s+(?:the\s+)?(?:(?P<unit>minute|second)\s+(?P<n>\d+)|(?P<m>\d+)[\s-](?P<units>second|minute)s?)\b"
    r"(?:\s+mark)?(?:\s+in\b)?"
)
_EDGE_COUNT = re.compile(
    r"\b(?:(?:in|during|within|of)\s+)?the\s+(?P<edge>first|last|final|opening)\s+(?:(?P<n>\d+|\w+)\s+)?(?P<unit>second|minute)s?\b"
)
_PART = re.compile(
    r"\b(?:(?:in|during|of|throughout)\s+)?the\s+(?:(?P<half>first|second|last|other)\s+half"
    r"|(?P<third>first|last|final)\s+(?:third|quarter)|(?P<middle>middle)(?=\s+of\b|\W*$))\b"
)
_OF_THE_VIDEO = re.compile(r"^\s*(?:of|in)\s+(?:the|this)\s+\w+")
_ABOUT_NOW_MS = 3_000


def narrowed(question: str, end_ms: int) -> tuple[str, tuple[int, int]] | None:
    """The question without its naming of a time, and that time in milliseconds; `None` when it names none."""
    asked = fold(question)
    for form, read in ((_AT_CLOCK, _clock_span), (_AT_COUNT, _count_span), (_EDGE_COUNT, _edge_span), (_PART, _part)):
        if (match := form.search(asked)) and (span := read(match, end_ms)):
            after = _OF_THE_VIDEO.sub("", asked[match.end() :])
            return f"{asked[: match.start()]} {after}", span
    return None


def _clock_span(match: re.Match[str], _: int) -> tuple[int, int]:
    parts = match.groups()
    start = _milliseconds(*parts[:3])
    return start, _milliseconds(*parts[3:]) if parts[3] else start + _ABOUT_NOW_MS


def _milliseconds(first: str, second: str, third: str | None) -> int:
    if third is None:
        return (int(first) * 60 + int(second)) * 1_000
    return (int(first) * 3_600 + int(second) * 60 + int(third)) * 1_000


def _count_span(match: re.Match[str], _: int) -> tuple[int, int]:
    start = int(match["n"] or match["m"]) * _UNIT_MS[match["unit"] or match["units"]]
    return start, start + _ABOUT_NOW_MS


def _edge_span(match: re.Match[str], end_ms: int) -> tuple[int, int] | None:
    number = words(match["n"] or "1")[0].term
    if not number.isdigit():
        return None
    length = int(number) * _UNIT_MS[match["unit"]]
    return (0, length) if match["edge"] in ("first", "opening") else (max(0, end_ms - length), end_ms)


def _part(match: re.Match[str], end_ms: int) -> tuple[int, int]:
    if half := match["half"]:
        return (0, end_ms // 2) if half == "first" else (end_ms // 2, end_ms)
    if match["middle"]:
        return end_ms // 3, 2 * end_ms // 3
    return (0, end_ms // 3) if match["third"] == "first" else (2 * end_ms // 3, end_ms)


def within(span: tuple[int, int], moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    start, end = span
    return [one for one in moments if one.start_ms < end and one.end_ms > start]


# --- the n-th, the first and the last

_ORDINALS = {
    name: index
    for index, names in enumerate(
        (
            "first 1st opening initial",
            "second 2nd",
            "third 3rd",
            "fourth 4th",
            "fifth 5th",
            "sixth",
            "seventh",
            "eighth",
        )
    )
    for name in names.split()
} | {"last": -1, "final": -1, "closing": -1, "concluding": -1, "penultimate": -2}
_NTH = re.compile(rf"\b(?P<back>second|third)[ -](?:to[ -])?last\b|\b(?P<nth>{'|'.join(_ORDINALS)})\b")
_BEGINS = re.compile(
    r"\b(?:(?:at|in|from) the (?:very )?(?:beginning|start|outset)|to (?:begin|start) with)\b"
    r"|^\W*(?:and |so )?how (?:does|do|did|is)\b.*\b(?:begin|start|open|begun|started|opened|introduced)\b"
)
_ENDS = re.compile(
    r"\b(?:(?:at|in) the (?:very )?end|in closing|to conclude)\b"
    r"|^\W*(?:and |so )?how (?:does|do|did|is)\b.*\b(?:end|finish|close|conclude|ended|finished|closed)\b"
)
_EDGE_WORDS = terms_of("beginning start begin open end finish close conclude outset introduce very with")
_STRUCTURAL = ABOUT_VIDEOS | _EDGE_WORDS | FUNCTION_WORDS | terms_of("announce state") | terms_of(" ".join(_ORDINALS))


def read_nth(question: str) -> Nth | None:
    """What a question asks for by its number among all that is said or shown; `None` when it asks anything else."""
    asked = fold(question)
    index = _index(asked)
    if index is None or _WHO_WAS.search(asked):
        return None
    others = [word.term for word in words(asked) if word.term not in _STRUCTURAL]
    kinds = kinds_named(asked)
    category = frozenset(others)
    if len(category) > 1 or (category and not kinds <= _THINGS):
        return None
    return Nth(index, kinds, category)


# "Who came third?" is about a race, not about the video.
_WHO_WAS = re.compile(r"^\W*(?:and |so |but )*who[m]?\b")
_THINGS = frozenset({"object", "people"})


def _index(asked: str) -> int | None:
    if match := _NTH.search(asked):
        return -1 - _ORDINALS[match["back"]] if match["back"] else _ORDINALS[match["nth"]]
    if _ENDS.search(asked):
        return -1
    return 0 if _BEGINS.search(asked) else None


def nth_of(asked: Nth, moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment] | None:
    """The moments that it is, none where there are fewer, `None` where no such thing is ever seen."""
    if asked.category:
        moments = [one for one in moments if is_thing(one) and all(tells(words_of(one), t) for t in asked.category)]
        if not moments:
            return None
    units = _units(of_kinds(moments, asked.kinds))
    if not -len(units) <= asked.index < len(units):
        return []
    chosen = units[asked.index]
    if asked.kinds or asked.index not in (0, -1):
        return chosen
    # Nothing in particular: what is said and what is written meanwhile.
    return [
        one
        for one in of_kinds(moments, asked.kinds)
        if any(one.start_ms < other.end_ms and one.end_ms > other.start_ms for other in chosen)
    ]


def _units(moments: Sequence[EvidenceMoment]) -> list[list[EvidenceMoment]]:
    """Sentences of what is said, and each text or thing once, where it is first."""
    units: list[list[EvidenceMoment]] = []
    shown: set[str] = set()
    for one in moments:
        if units and runs_on(units[-1][-1], one):
            units[-1].append(one)
        elif one.kind == "speech" or fold(one.text) not in shown:
            units.append([one])
            shown.add(fold(one.text))
    return units


def runs_on(first: EvidenceMoment, second: EvidenceMoment) -> bool:
    """Whether a sentence begins in the first and ends in the second."""
    # A sentence goes on in small letters. Where nothing is punctuated, each moment counts as one.
    return (
        follows(first, second)
        and not SENTENCE_END.search(first.text)
        and any(letter.isupper() for letter in first.text)
        and not second.text[:1].isupper()
    )


def of_kinds(moments: Sequence[EvidenceMoment], kinds: frozenset[str]) -> list[EvidenceMoment]:
    """In the order of the video; of no kind asked for, what is said and written, or else what is seen."""
    found = [one for one in moments if one.kind in (kinds or ("speech", "text"))]
    if not found and not kinds:
        found = list(moments)
    return sorted(found, key=lambda one: (one.video_id, one.start_ms, -one.end_ms))


# --- before and after

_NEXT = re.compile(
    r"^\W*(?:and |so |but |ok(?:ay)? )*(?:(?:what|which)\b.{0,40}?\b)?"
    r"(?:(?P<after>(?:right |just )?after(?: that| this| it)?|then|next|afterwards|later)"
    r"|(?P<before>(?:right |just )?before(?: that| this| it)?|previously|beforehand|earlier))\W*$",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    r"^\W*(?:and |so |but )*(?:what|which|who)\b(?P<asked>.*?)"
    r"\b(?:right |directly |immediately |shortly |just )?(?P<relation>after|following|follows|before|precedes)\s+"
    r"(?P<anchor>\S.*)$",
    re.IGNORECASE,
)


def read_beside(question: str) -> Beside | None:
    """What a question asks for by what it is next to; `None` when it doesn't."""
    if match := _NEXT.search(question):
        relation = Relation.AFTER if match.group("after") else Relation.BEFORE
        return Beside(relation, None, kinds_named(fold(question)))
    if (match := _BESIDE.search(question)) is None:
        return None
    relation = Relation.BEFORE if match["relation"].lower() in ("before", "precedes") else Relation.AFTER
    asked = fold(match["asked"])
    sought = tuple(word.term for word in words(asked) if word.term not in _STRUCTURAL)
    return Beside(relation, match["anchor"], kinds_named(asked), sought)


def cited_among(moments: Sequence[EvidenceMoment], cited: Sequence[Citation]) -> list[EvidenceMoment]:
    places = {(one.video_id, one.segment_id) for one in cited}
    return [one for one in moments if (one.video_id, one.segment_id) in places]


def anchored(anchor: str, moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    """Where that is which something is next to: an n-th itself, or where it is spoken of."""
    if nth := read_nth(anchor):
        return nth_of(nth, moments) or []
    asked = replace(read_question(anchor), asks=Asks.POSITION, measure=None)
    found = [one for one in gather(asked, moments) if one.features.coverage >= _MOST_OF_IT]
    # What is told goes on in what is said; a caption only accompanies it.
    best = next((one for one in found if one.passage.moments[0].kind == "speech"), None) or next(iter(found), None)
    return list(best.passage.moments) if best else []


_MOST_OF_IT = 0.5


def beside(asked: Beside, moments: Sequence[EvidenceMoment], anchors: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    """What comes next to the anchors, or was said to by themselves ("After the war he opened a bakery")."""
    if not anchors:
        return []
    if asked.anchor and not asked.kinds and any(_tells_itself(asked.relation, asked.anchor, one) for one in anchors):
        return list(anchors)
    video_id = anchors[0].video_id
    # What is said goes on in what is said: a caption meanwhile isn't what comes next.
    kinds = asked.kinds or frozenset(one.kind for one in anchors)
    there = [one for one in of_kinds(moments, kinds) if one.video_id == video_id and one not in anchors]
    if asked.relation is Relation.AFTER:
        last = max(one.start_ms for one in anchors)
        following = [one for one in there if one.start_ms > last]
    else:
        first = min(one.start_ms for one in anchors)
        following = [one for one in reversed(there) if one.start_ms < first]
    telling = [one for one in following[:_SOON] if any(tells(words_of(one), term) for term in asked.sought)]
    return (telling or following)[:1]


_SOON = 3


def _tells_itself(relation: Relation, anchor: str, moment: EvidenceMoment) -> bool:
    """Whether it is of the anchor that it says "after", rather than of something else."""
    told = words_of(moment)
    sought = [word.term for word in words(anchor) if word.term not in _STRUCTURAL]
    return any(
        word.text.lower() == relation.value and any(tells(told[at + 1 : at + 5], one) for one in sought)
        for at, word in enumerate(told)
    )
