"""Which of the videos, and what part of one, is asked about: "in the second video", "at 1:30", "and after that?"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from shared.text.language import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import EvidenceMoment


class Relation(StrEnum):
    AFTER = "after"
    BEFORE = "before"
    FIRST = "first"
    LAST = "last"
    DURING = "during"


@dataclass(frozen=True)
class Order:
    """What is asked for by its place among the moments.

    `anchor` is what it comes after or before: a question of its own, or none for what was cited last. `kinds` are the
    kinds of moments asked for, or none. `span` is a time in milliseconds.
    """

    relation: Relation
    anchor: str | None = None
    kinds: frozenset[str] = frozenset()
    span: tuple[int, int] | None = None


_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4}
_VIDEO = r"(?:video|clip|film|movie|recording|lecture|talk|episode|part)"
_WHICH_VIDEO = re.compile(
    rf"\s*\b(?:(?:in|from|of|about|during|does|is|with)\s+)?(?:the\s+)?"
    rf"(?:({'|'.join(_ORDINALS)}|last|other)\s+(?:video|clip|film|movie|recording|one(?=\W*$))"
    r"|(?:video|clip)\s+(?:number\s+)?(\d))\b",
    re.IGNORECASE,
)


def named_video(question: str, videos: Sequence[str], cited: Sequence[str]) -> tuple[str, str | None] | None:
    """The question without its naming of a video, and the video named: `None` of those that there aren't.

    `cited` are the videos that the answer before was from; "the other" is one of the rest. `None` for a question that
    names no video.
    """
    match = _WHICH_VIDEO.search(question)
    if match is None or len(videos) < 2:
        return None
    rest = question[: match.start()] + question[match.end() :]
    word = (match.group(1) or "").lower()
    if word == "other":
        others = [video for video in videos if video not in cited]
        return rest, others[0] if len(others) == 1 else None
    index = len(videos) - 1 if word == "last" else _ORDINALS.get(word, int(match.group(2) or 1) - 1)
    return rest, videos[index] if index < len(videos) else None


_SAYING = (
    r"(?:said|say|says|spoken|speak|speaks|talk|talks|talked|told|tell|tells|mentioned|mention|mentions|heard|hear)"
)
_WRITING = r"(?:written|captions?|subtitles?|text|texts|title|titles|on screen|on the screen|displayed|read|reads)"
_SEEING = r"(?:objects?|things?|animals?|vehicles?)"
_TELLING = (
    rf"(?:{_SAYING}|{_WRITING}|shown|show|shows|seen|see|visible|appears?|happens?|happened|happening|comes?|came|"
    r"follows?|followed|precedes|next|thing|things|words?|sentence|line|phrase)"
)
_NEXT = re.compile(
    r"^\W*(?:and |so |but |ok(?:ay)? )*(?:(?:what|which)\b.{0,40}?\b)?"
    r"(?:(?P<after>after(?: that| this| it)?|then|next|afterwards|later)"
    r"|(?P<before>before(?: that| this| it)?|previously|beforehand|earlier))\W*$",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    rf"^\W*(?:and |so |but )*(?:what|which)\b(?=.*\b{_TELLING}\b)(?P<asked>.*?)"
    r"\b(?:right |directly |immediately |shortly |just )?(?P<relation>after|following|follows|before|precedes)\s+"
    r"(?P<anchor>\S.*)$",
    re.IGNORECASE,
)
_EDGE = re.compile(
    rf"^\W*(?:and |so |but )*(?:(?:what|which)(?:'s)?\b(?=.*\b{_TELLING}\b).*\b"
    r"(?:(?P<first>first|opening|start|beginning|begins?)|(?P<last>last|final|closing|end|ends?))\b"
    r"|how\b.*\b(?:(?P<begins>start|begin|open|starts|begins|opens)|(?P<finishes>end|finish|close|ends|conclude)))\b"
    r"(?P<rest>.*)$",
    re.IGNORECASE,
)
_WHOLE_EDGE = re.compile(
    rf"^(?:{_TELLING}|{_VIDEO}|is|are|was|were|does|do|did|it|the|this|that|in|at|of|to|be|very|with|we|you|i|thing|s|"
    r"what|which|how|s|and|first|last|final|opening|closing|start|beginning|end|begins?|starts?|ends?|open|opens|"
    r"finish|close|conclude|there|ever|by|a|an|on|screen|\W)*$",
    re.IGNORECASE,
)
_CLOCK = r"(\d{1,2}):(\d\d)(?::(\d\d))?"
_AT_CLOCK = re.compile(rf"\b(?:at|around|from|between)\s+{_CLOCK}(?:\s*(?:to|and|until|-|–)\s*{_CLOCK})?")
_AT_COUNT = re.compile(
    r"\b(?:at|around|after)\s+(?:(?P<unit>minute|second)\s+(?P<n>\d+)|(?P<m>\d+)\s+(?P<units>second|minute)s?)\b"
)
_EDGE_COUNT = re.compile(
    r"\b(?:in|during|within)\s+the\s+(?P<edge>first|last)\s+(?P<n>\d+)\s+(?P<unit>second|minute)s?\b"
)
_ABOUT_NOW_MS = 3_000


def read_order(question: str, end_ms: int) -> Order | None:
    """What a question asks for by its place, `None` when it doesn't. `end_ms` is where the last moment ends."""
    asked = fold(question)
    kinds = _kinds(asked)
    if span := _span(asked, end_ms):
        return Order(Relation.DURING, kinds=kinds, span=span)
    if match := _NEXT.search(question):
        return Order(Relation.AFTER if match.group("after") else Relation.BEFORE, kinds=kinds)
    if match := _BESIDE.search(question):
        is_before = match.group("relation").lower() in ("before", "precedes")
        relation = Relation.BEFORE if is_before else Relation.AFTER
        return Order(relation, match.group("anchor"), _kinds(fold(match.group("asked"))))
    match = _EDGE.search(question)
    if match and _WHOLE_EDGE.search(_without_courtesy(question)):
        return Order(Relation.FIRST if match.group("first") or match.group("begins") else Relation.LAST, kinds=kinds)
    return None


def _without_courtesy(question: str) -> str:
    return re.sub(r"^\W*(?:please|tell me|show me|can you tell me)\b", "", question, flags=re.IGNORECASE)


def _kinds(asked: str) -> frozenset[str]:
    if re.search(rf"\b{_WRITING}\b", asked):
        return frozenset({"text"})
    if re.search(rf"\b{_SAYING}\b", asked):
        return frozenset({"speech"})
    if re.search(r"\bobjects?\b|\banimals?\b|\bvehicles?\b", asked):
        return frozenset({"object", "people"})
    return frozenset()


def _span(asked: str, end_ms: int) -> tuple[int, int] | None:
    if match := _AT_CLOCK.search(asked):
        parts = match.groups()
        start = _milliseconds(*parts[:3])
        return start, _milliseconds(*parts[3:]) if parts[3] else start + _ABOUT_NOW_MS
    if match := _EDGE_COUNT.search(asked):
        length = int(match["n"]) * (60_000 if match["unit"] == "minute" else 1_000)
        return (0, length) if match["edge"] == "first" else (max(0, end_ms - length), end_ms)
    if match := _AT_COUNT.search(asked):
        unit = match["unit"] or match["units"]
        start = int(match["n"] or match["m"]) * (60_000 if unit == "minute" else 1_000)
        return start, start + _ABOUT_NOW_MS
    return None


def _milliseconds(first: str, second: str, third: str | None) -> int:
    if third is None:
        return (int(first) * 60 + int(second)) * 1_000
    return (int(first) * 3_600 + int(second) * 60 + int(third)) * 1_000


def placed(order: Order, moments: Sequence[EvidenceMoment], anchors: Sequence[EvidenceMoment]) -> list[EvidenceMoment]:
    """The moments at the place asked for, in the order of the video. `anchors` are those that it is beside."""
    if order.relation is Relation.DURING and order.span is not None:
        start, end = order.span
        return [one for one in _of_kinds(moments, order.kinds) if one.start_ms < end and one.end_ms > start]
    if order.relation in (Relation.FIRST, Relation.LAST):
        told = _of_kinds(moments, order.kinds)
        edge = told[:1] if order.relation is Relation.FIRST else told[-1:]
        return [one for one in told for other in edge if one.start_ms < other.end_ms and one.end_ms > other.start_ms]
    if not anchors:
        return []
    if order.anchor and not order.kinds and any(_tells_itself(order.relation, one) for one in anchors):
        # "After the war he opened a bakery" is what happened after the war.
        return list(anchors)
    video_id = anchors[0].video_id
    beside = [one for one in anchors if one.video_id == video_id]
    # What is said goes on in what is said: a caption meanwhile isn't what comes next.
    kinds = order.kinds or frozenset(one.kind for one in beside)
    there = [one for one in _of_kinds(moments, kinds) if one.video_id == video_id and one not in beside]
    if order.relation is Relation.AFTER:
        last = max(one.start_ms for one in beside)
        return [one for one in there if one.start_ms > last][:1]
    first = min(one.start_ms for one in beside)
    return [one for one in there if one.start_ms < first][-1:]


def _tells_itself(relation: Relation, moment: EvidenceMoment) -> bool:
    return relation.value in fold(moment.text).split()


def _of_kinds(moments: Sequence[EvidenceMoment], kinds: frozenset[str]) -> list[EvidenceMoment]:
    """In the order of the video; of no kind asked for, what is said and written, or else what is seen."""
    found = [one for one in moments if one.kind in (kinds or ("speech", "text"))]
    if not found and not kinds:
        found = list(moments)
    return sorted(found, key=lambda one: (one.video_id, one.start_ms))
