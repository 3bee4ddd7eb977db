"""Whether a passage holds the kind of thing that is asked for: a person for who, a number for how many."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.question import SAME_PROPERTY, UNITS, Asks
from shared.text.language import FUNCTION_WORDS, NUMBERS, terms_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.question import Question
    from shared.text.language import Word


def holds_answer(question: Question, passage: Sequence[Word], text: str) -> bool:
    """`passage` is the words of `text`. What the question itself says is no answer to it."""
    new = [word for word in passage if word.term not in question.terms]
    match question.asks:
        case Asks.WHO:
            return any(_names_somebody(word) for word in new)
        case Asks.NAME:
            # "The throne of England" names a place, not her who sits on it.
            return any(
                _is_proper_name(word) and word in new
                for before, word in pairwise([None, *passage])
                if word and not (before and before.term in _PLACE_PREPOSITIONS | {"of"})
            )
        case Asks.WHERE:
            return _is_place(passage, question.terms)
        case Asks.WHEN:
            return any(_is_time(word) for word in new) or _SPELT_YEAR.search(text) is not None
        case Asks.NUMBER:
            return _holds_quantity(question, passage)
        case Asks.REASON:
            return _REASON.search(text) is not None
        case Asks.COLOUR:
            return any(word.term in _COLOURS for word in new)
        case _:
            return True


def names_measure(question: Question, passage: Sequence[Word]) -> bool:
    """Whether a number stands before a unit in which the property asked for is measured ("230 degrees" for how hot)."""
    units = UNITS.get(question.measure or "", frozenset())
    other_properties = _PROPERTIES - SAME_PROPERTY.get(question.measure or "", frozenset())
    for index, word in enumerate(passage):
        before, after = passage[max(index - 1, 0) : index], passage[index + 1 : index + 4]
        if _is_number(word) and any(unit.term in units for unit in (*before, *after)):
            # "Sixty centimetres apart" is not how tall they are.
            return not any(later.term in other_properties for later in passage[index + 1 : index + 5])
    return False


def _holds_quantity(question: Question, passage: Sequence[Word]) -> bool:
    measure = question.measure or ""
    if measure in UNITS:
        if UNITS[measure] and measure != "much":
            return names_measure(question, passage)
        return any(_is_number(word) or word.term in _AMOUNTS for word in passage)
    counted = [index for index, word in enumerate(passage) if word.term == measure]
    if counted:
        # "Thirty one people", "three rodent pests", "squats: 12", "twelve of them"; not the number of something else.
        beside = [word for at in counted for word in (*passage[max(at - 4, 0) : at], *passage[at + 1 : at + 2])]
        beside += [
            number
            for number, of, them in zip(passage, passage[1:], passage[2:], strict=False)
            if of.term == "of" and them.term in _THEM
        ]
        return any(_is_number(word) or word.term in _AMOUNTS for word in beside)
    return any(_is_number(word) and word.term not in question.names for word in passage)


def _is_number(word: Word) -> bool:
    return word.term[0].isdigit() or word.term in _MULTIPLES


def _names_somebody(word: Word) -> bool:
    return word.term in _PEOPLE or _is_proper_name(word)


def _is_proper_name(word: Word) -> bool:
    return word.text[0].isupper() and word.term not in FUNCTION_WORDS | _DATES | _PEOPLE


def _is_time(word: Word) -> bool:
    return word.term in _DATES or word.text in _MONTHS_AND_VERBS or bool(_YEAR_OR_CLOCK.fullmatch(word.term))


def _is_place(passage: Sequence[Word], asked: Sequence[str]) -> bool:
    for index, word in enumerate(passage[:-1]):
        if word.term in _PLACE_PREPOSITIONS:
            after = [later for later in passage[index + 1 : index + 4] if later.term not in FUNCTION_WORDS]
            if any(later.term not in asked and later.term not in _DATES and not _is_number(later) for later in after):
                return True
    return any(word.term in _PLACES for word in passage)


_MULTIPLES = terms_of("hundred thousand million billion dozen twice once couple pair half both none nobody single")
_MULTIPLES = _MULTIPLES | frozenset(NUMBERS.values())
_THEM = terms_of("them these those")
_PROPERTIES = terms_of("apart away deep tall high thick wide long old heavy")
_AMOUNTS = _MULTIPLES | terms_of(
    """\
    pinch little lot bigger smaller larger size no several many few more less than as every daily weekly always
    overnight"""
)
_REASON = re.compile(
    r"\b(?:because|since|so|due|reason|therefore|cause[sd]?|thanks|to \w+|for|as|otherwise|avoid\w*|prevent\w*)\b",
    re.IGNORECASE,
)
_YEAR_OR_CLOCK = re.compile(r"1[0-9]\d\d|20\d\d|\d{1,2}:\d\d")
_SPELT_YEAR = re.compile(
    r"\b(?:(?:one|two) thousand|(?:eleven|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty)[ -]"
    r"(?:hundred|oh|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety))\b",
    re.IGNORECASE,
)
# "You may march" tells no date.
_MONTHS_AND_VERBS = frozenset(("March", "May"))
_DATES = terms_of(
    """\
    january february april june july august september october november december monday tuesday wednesday
    thursday friday saturday sunday spring summer autumn winter christmas easter today yesterday tomorrow
    tonight morning noon afternoon evening midnight night week weekend month year decade century ago o'clock
    hour minute day date"""
)
_COLOURS = terms_of("""\
        red orange yellow green blue purple violet pink brown black white grey gold golden silver beige turquoise cyan
        magenta maroon navy crimson scarlet ivory cream amber olive colourless transparent dark pale bright""")
_PEOPLE = terms_of("""\
    i me my we us our you your he him his she her everyone everybody nobody someone man woman boy girl child
    person people family mother father parent son daughter brother sister uncle aunt grandmother grandfather
    husband wife friend neighbour male female adult baby mate king queen prince princess president mayor
    minister chancellor governor senator judge doctor nurse teacher professor student scientist engineer artist
    painter writer author poet singer actor actress director producer player coach captain goalkeeper referee
    fan team crew company union police officer soldier army brigade firefighter pilot driver sailor farmer chef
    cook baker owner founder customer guest visitor resident citizen crowd group tribe scholar monk priest pope
    emperor god resident researcher expert speaker host villager worker employee inventor explorer hunter
    fisherman""")
_PLACE_PREPOSITIONS = terms_of(
    """\
    in at on near from to under beneath below above behind beside along inside outside across around between
    within toward towards off by into through"""
)
_PLACES = terms_of("here there home upstairs downstairs outside inside abroad street road avenue square room")
