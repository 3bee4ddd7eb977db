"""The steps of instructions, whether they are numbered or only told one after the other."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.text.language import NUMBERS, fold, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.answering import EvidenceMoment

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_NTH = "|".join((*_ORDINALS, "last", "final"))
_STEP = r"(?:steps?|instructions?)"
_ASKED = re.compile(
    rf"\b(?P<nth>{_NTH}) {_STEP}\b(?! (?:of|after|before)\b)"
    rf"|\bstep (?:number )?(?P<n>\d+|{'|'.join(NUMBERS)})\b"
    rf"|^\W*what (?:do|does|should|must|shall) (?:\w+ ){{1,2}}(?:have to |need to )?do (?P<do>{_NTH})\W*$"
)
_NUMBERED = re.compile(rf"\bstep (?:number )?(\d+|{'|'.join(NUMBERS)})\b|^\W*({'|'.join(_ORDINALS)})(?:ly)?\b[,:]? ")
_CONNECTIVE = re.compile(
    r"^\W*(?:(?:and|so|ok(?:ay)?|now|then|next|first|finally|lastly|afterwards|meanwhile|please|to begin with|"
    r"to start with|after that|carefully|gently|simply|just)\b[\s,]*)*"
)
_SENTENCES = re.compile(r"(?<=[.!?…])\s+")
# What one is told to do, as instructions begin.
_VERBS = """\
add adjust apply arrange attach bake beat bend blend boil bring brush build buy carve check choose chop clean
clear click clip close collect combine connect cook cool copy count cover crush cut dig dip disconnect download
drag drain draw drill drink drop dry empty enter feed fetch fill find fit fix flip fold follow form freeze fry
gather get glue go grate grease grill hammer hang heat hold insert install join keep knead lay leave let lift
light line loosen lower make mark mash measure melt mix mount move nail open pack paint peel pick place plant
plug position pour prepare press pull push put raise read remove repeat replace rest rinse roll rotate rub sand
save saw screw scroll seal season select separate serve set sew shake shape sift simmer slice slide smooth soak
spray spread sprinkle squeeze stand start stick stir stop store strain stretch strip swipe switch take tap taste
tie tighten tilt top touch trim tuck turn twist type unfold unpack unplug unscrew use wait warm wash water weigh
whisk wind wipe wrap write"""
_INSTRUCTIONS = frozenset(_VERBS.split())
_FEWEST = 2


def read_step(question: str) -> int | None:
    """Which step is asked for, from 0, or -1 for the last; `None` for other questions."""
    match = _ASKED.search(fold(question))
    if match is None:
        return None
    if number := match["n"]:
        return int(NUMBERS.get(number, number)) - 1
    nth = match["nth"] or match["do"]
    return _ORDINALS.index(nth) if nth in _ORDINALS else -1


def step(index: int, moments: Sequence[EvidenceMoment]) -> list[EvidenceMoment] | None:
    """The moments that tell the step, none where there are fewer; `None` where nothing is told in steps."""
    told = sorted((one for one in moments if one.kind in ("speech", "text")), key=lambda one: one.start_ms)
    numbered = [(number, one) for one in told for number in _numbers(one)]
    if len({number for number, _ in numbered}) >= _FEWEST:
        last = max(number for number, _ in numbered)
        wanted = last if index < 0 else index
        its = [one for number, one in numbered if number == wanted]
        spoken = [one for one in its if one.kind == "speech"]
        return (spoken or its)[:1]
    # "First, mix …" is where they begin, whatever the viewer was told to do before.
    begun = next((one.start_ms for number, one in numbered if number == 0), 0)
    told = [one for one in told if one.start_ms >= begun]
    for kind in ("speech", "text"):
        instructions = [one for one in told if one.kind == kind for _ in range(_instructions_in(one))]
        if len(instructions) >= _FEWEST:
            return [instructions[index]] if index < len(instructions) else []
    return None


def _numbers(moment: EvidenceMoment) -> list[int]:
    found: list[int] = []
    for sentence in _SENTENCES.split(fold(moment.text)):
        if match := _NUMBERED.search(sentence):
            number, ordinal = match.groups()
            found.append(_ORDINALS.index(ordinal) if ordinal else int(NUMBERS.get(number, number)) - 1)
    return found


def _instructions_in(moment: EvidenceMoment) -> int:
    sentences = _SENTENCES.split(fold(moment.text))
    return sum(_opening(sentence) in _INSTRUCTIONS for sentence in sentences if not sentence.endswith("?"))


def _opening(sentence: str) -> str:
    rest = words(_CONNECTIVE.sub("", sentence))
    return rest[0].text if rest else ""
