"""Whether a passage holds the kind of thing that is asked for: a person for who, a number for how many."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from functions.conversations.domain.matching import likenesses
from functions.conversations.domain.question import DURATIONS, MATERIAL, OCCUPATIONS, SAME_PROPERTY, UNITS, Asks
from shared.text.categories import members_of
from shared.text.language import FUNCTION_WORDS, NUMBERS, term, terms_of
from shared.text.word_classes import is_wide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from functions.conversations.domain.question import Question
    from shared.text.language import Word


def answer_strength(question: Question, passage: Sequence[Word], text: str) -> float | None:
    """How surely (0..1) `passage`, the words of `text`, holds the kind of answer asked for; `None` if it can't.

    What the question itself says is no answer to it. 0 where any answer will do.
    """
    new = [word for word in passage if word.term not in question.terms]
    match question.asks:
        case Asks.WHO if question.asks_who_is_named:
            return 1.0 if _describes(passage, question.terms) else _ANY
        case Asks.WHO if any(not likenesses(role, (word.term for word in passage)) for role in _roles(question)):
            # Mostly another captain, or the ship without its captain; or he is called something else.
            return _UNSURE if _names_somebody(passage, new, text) else None
        case Asks.WHO:
            return _names_somebody(passage, new, text)
        case Asks.NAME:
            return _certain(_holds_name(passage, question.terms, text))
        case Asks.WHERE:
            return _certain(_is_place(passage, question.terms))
        case Asks.WHEN:
            return _certain(_holds_time(question.measure, new, text))
        case Asks.NUMBER:
            return _quantity_strength(question, passage)
        case Asks.REASON:
            return 1.0 if _GROUND.search(text) else 0.5 if _REASON.search(text) else _ANY
        case Asks.COLOUR:
            return _colour_strength(passage, question.terms)
        case Asks.OCCURRENCE:
            is_told = _SPELT_HOUR.search(text) or _TEMPORAL_CLAUSE.search(text)
            return 1.0 if is_told or any(word.term in _NAMED_TIMES for word in new) else _ANY
        case _ if not question.kind_words.isdisjoint(OCCUPATIONS):
            return 1.0 if any(_is_occupation(word) for word in new) else _ANY
        case _ if question.is_definition:
            return 1.0 if _defines(passage, question.terms) else _ANY
        case _ if question.kind_words == MATERIAL and not _speaks_of(passage, question.terms):
            # What something else is made of.
            return None
        case _ if question.kind_words:
            return _kind_named(question.kind_words, passage, new)
        case _:
            return _ANY


_ANY = 0.0


def _speaks_of(passage: Sequence[Word], terms: Sequence[str]) -> bool:
    told = [word.term for word in passage]
    return not MATERIAL.isdisjoint(told) or any(likenesses(one, told) for one in terms)


def _roles(question: Question) -> list[str]:
    return [term for term in question.terms if term in _PEOPLE and not is_wide(term)]


def _certain(holds: bool) -> float | None:
    return 1.0 if holds else None


def _kind_named(kind_words: frozenset[str], passage: Sequence[Word], new: Sequence[Word]) -> float | None:
    """Of "which spices" and "which lane": 1 where it says "cumin" or "lane five"; `None` where it names none."""
    members = frozenset[str]().union(*map(members_of, kind_words))
    for at, word in enumerate(passage):
        if word.term in kind_words and any(_is_number(one) for one in (*passage[at + 1 : at + 2], *passage[:at][-1:])):
            return 1.0
    if not members:
        return _ANY
    if any(word.term in members for word in new):
        return 1.0
    is_told = any(
        word.term in kind_words or (word.text[0].isupper() and not kind_words.isdisjoint(_NAMED)) for word in passage
    )
    return _ANY if is_told else None


def _holds_time(measure: str | None, new: Sequence[Word], text: str) -> bool:
    if measure == "year":
        return _SPELT_YEAR.search(text) is not None or any(_YEAR.fullmatch(word.term) for word in new)
    if named := members_of(measure or ""):
        return _SPELT_DATE.search(text) is not None or any(word.term in named for word in new)
    return _SPELT_TIME.search(text) is not None or any(_is_time(word) for word in new)


def _holds_name(passage: Sequence[Word], asked: Sequence[str], text: str) -> bool:
    """A capital that doesn't only begin a sentence. "The throne of England" names a place, not her who sits on it."""
    if _IS_CALLED.search(text):
        return True
    starts = {match.end() for match in _SENTENCE_START.finditer(text)}
    is_title = text.istitle() or text.isupper()
    for before, word in pairwise([None, *passage]):
        if word is None or word.term in asked or not is_proper_name(word):
            continue
        if before and (before.text[0].isupper() or before.term in _PLACE_PREPOSITIONS | {"of"}):
            continue
        if is_title or word.start not in starts:
            return True
    return False


_IS_CALLED = re.compile(
    r"\b(?:is|are|was|were|it|this|that|them) (?:called|named|known as)\b|\bname is\b"
    r"|\b(?:they|you|we|people|which|what) call(?:ed)?\b",
    re.IGNORECASE,
)


def _defines(passage: Sequence[Word], asked: Sequence[str]) -> bool:
    """Whether it says that what is asked about is something: "Glaze is …", "… is called a glaze"."""
    for at, word in enumerate(passage):
        if likenesses(asked[-1], (word.term,)):
            before = {other.text.lower() for other in passage[max(at - 3, 0) : at]}
            after = {other.text.lower() for other in passage[at + 1 : at + 2]}
            if not before.isdisjoint(_CALLED) or not after.isdisjoint(_DEFINED):
                return True
    return False


def _describes(passage: Sequence[Word], names: Sequence[str]) -> bool:
    """Whether it says who somebody is: "Lorna, my wife, …", "our captain Birgit", "this is Biscuit, who's …"."""
    for at, word in enumerate(passage):
        if word.term in names:
            before = {other.text.lower() for other in passage[max(at - 4, 0) : at]}
            after = {other.text.lower() for other in passage[at + 1 : at + 2]}
            if not before.isdisjoint(_INTRODUCING) or not after.isdisjoint(_APPOSITION):
                return True
    return False


_INTRODUCING = frozenset({"this", "my", "our", "your", "his", "her", "their", "called", "named", "meet", "by"})
_APPOSITION = frozenset({"who", "who's", "whose", "a", "an", "the", "my", "our", "is", "was"})
_CALLED = frozenset({"called", "named", "termed", "as"})
_DEFINED = frozenset({"is", "are", "was", "means", "meant", "refers", "consists", "describes"})
_SENTENCE_START = re.compile(r"(?:^|[.!?…][\"'”’)]*)\s*")


def _colour_strength(passage: Sequence[Word], asked: Sequence[str]) -> float | None:
    colours = [index for index, word in enumerate(passage) if word.term in _COLOURS and word.term not in asked]
    things = [index for index, word in enumerate(passage) if word.term in asked]
    if not colours:
        return None
    return 1.0 if any(abs(colour - thing) <= _BESIDE for colour in colours for thing in things) else _UNSURE


_BESIDE, _UNSURE = 4, 0.4


def names_measure(question: Question, passage: Sequence[Word]) -> bool:
    """Whether a number stands before a unit in which the property asked for is measured ("230 degrees" for how hot)."""
    units = DURATIONS if question.is_of_time else UNITS.get(question.measure or "", frozenset())
    other_properties = _PROPERTIES - SAME_PROPERTY.get(question.measure or "", frozenset())
    for index, word in enumerate(passage):
        before, after = passage[max(index - 1, 0) : index], passage[index + 1 : index + 4]
        if question.measure == _OLD and _is_number(word) and any(one.term in _BEING for one in before):
            # "She is seventy one."
            return True
        is_one = word.text.lower() in _ONE and any(unit.term in units for unit in after[:1])
        if is_one or (_is_number(word) and any(unit.term in units for unit in (*before, *after))):
            # "Sixty centimetres apart" is not how tall they are.
            return not any(later.term in other_properties for later in passage[index + 1 : index + 5])
    return False


_ONE = frozenset({"a", "an"})
_OLD, _BEING = term("old"), terms_of("is turn age")


def _quantity_strength(question: Question, passage: Sequence[Word]) -> float | None:
    measure = question.measure or ""
    numbers = [word for word in passage if _is_number(word) and word.term not in question.names]
    amounts = any(word.term in _AMOUNTS for word in passage)
    if measure == "much" and not _MONEY_ASKED.isdisjoint(question.terms):
        measure = "expensiv"
    if measure == "often":
        return _certain(_FREQUENCY.search(" ".join(word.text for word in passage)) is not None)
    if measure in UNITS:
        if UNITS[measure] and names_measure(question, passage):
            return 1.0
        if UNITS[measure] and measure != "much":
            return None
        is_compared = not UNITS[measure] and _AS_BIG.search(" ".join(word.text for word in passage)) is not None
        return 0.5 if numbers or amounts or is_compared else None
    return _count_strength(measure, passage, numbers)


_AS_BIG = re.compile(r"\bsizes? of\b|\bas \w+ as\b|\b(?:bigger|larger|smaller|no more|no less) than\b", re.IGNORECASE)


def _count_strength(measure: str, passage: Sequence[Word], numbers: Sequence[Word]) -> float | None:
    counted = [index for index, word in enumerate(passage) if likenesses(measure, (word.term,))]
    if counted:
        # "Thirty one people", "three rodent pests", "squats: 12", "twelve of them"; not the number of something else.
        beside = [word for at in counted for word in (*passage[max(at - 4, 0) : at], *passage[at + 1 : at + 2])]
        beside += [
            number
            for number, of, them in zip(passage, passage[1:], passage[2:], strict=False)
            if of.term == "of" and them.term in _THEM
        ]
        return _certain(any(_is_number(word) or word.term in _AMOUNTS for word in beside))
    if measure in _PERSONS and any(
        _is_number(number) and any(_is_occupation(word) for word in passage[at + 1 : at + 3])
        for at, number in enumerate(passage)
    ):
        # People are counted as what they are: "forty students".
        return 1.0
    return 0.0 if numbers else None


_PERSONS = terms_of("people men women workers employees")


def _is_number(word: Word) -> bool:
    return word.term[0].isdigit() or word.term in _MULTIPLES


def _names_somebody(passage: Sequence[Word], new: Sequence[Word], text: str) -> float | None:
    if any(is_proper_name(word) for word in new if word.start > passage[0].start):
        return 1.0
    if any(is_proper_name(word) for word in new):
        # Or it only begins a sentence.
        return 0.85
    if _DOER.search(text):
        return 0.85
    if any(word.term in (_PEOPLE - _PRONOUNS) | _BODIES for word in new):
        return 0.6
    return _UNSURE if any(_is_occupation(word) for word in new) else None


# Of passives, and of what is given: "was paid for by the fishermen", "a gift from the king".
_DOER = re.compile(
    r"\b(?:\w+ed|\w+en|built|made|paid|won|run|led|held|sold|bought|taught|told|sung|drawn|for) by "
    r"(?:the|an?|some|our|my|his|her|their) (?!time\b|end\b|way\b)[a-z]"
    r"|\b(?:gift|present|letter|loan|message|donation) (?:from|of|by) (?:the|an?|some|our|my|his|her|their) ",
    re.IGNORECASE,
)
_TEMPORAL_CLAUSE = re.compile(
    r"\b(?:until|once|when(?:ever)?|as (?:soon|long) as) (?:the|an?|it|they|you|we|he|she|i|all|every\w*|your|our) \w",
    re.IGNORECASE,
)


def _is_occupation(word: Word) -> bool:
    """Whether it is called after what it does, as persons are (and some tools): a stoker, a volunteer, a linguist."""
    return word.term in _PEOPLE - _PRONOUNS or (
        _AGENT.search(word.text) is not None and word.term not in FUNCTION_WORDS and word.term not in _NO_AGENTS
    )


def is_proper_name(word: Word) -> bool:
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


_FREQUENCY = re.compile(
    r"\b(?:every|each|per|once|twice|times|always|never|seldom|rarely|sometimes|often|hourly|daily|nightly|weekly|"
    r"monthly|yearly|annually)\b",
    re.IGNORECASE,
)
_SPELT_HOUR = re.compile(
    r"\b(?:half|quarter) (?:past|to)\b|\b\d{1,2} ?[ap]\.?m\b|\b(?:at|from|until|till|by|before|after) \d{1,2}:\d\d\b"
    r"|\b(?:at|from|until|till|by|before|after) "
    r"(?:\d{1,2}|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
    r"(?=[.,;!?]|$| o'clock| (?:in the|to|and|every|on)\b)|\bat (?:noon|midnight|dawn|sunrise|dusk|sunset)\b",
    re.IGNORECASE,
)
_MONEY_ASKED = terms_of("cost price pay charge fee spend worth buy expensive")
_YEAR = re.compile(r"1[0-9]\d\d|20\d\d")
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
    r"\b(?:because|since|so|due|reason|therefore|cause[sd]?|thanks|to \w+|for|as|otherwise|avoid\w*|prevent\w*)\b"
    r"|\b(?:keeps?|makes?|protects?|stops?|helps?|could|would|too)\b|, (?:it|they|he|she|that|there|the \w+)\b",
    re.IGNORECASE,
)
_GROUND = re.compile(
    r"\b(?:because|since|so (?:that|the|it|they|you|we|nothing|nobody)|due to|reason|therefore|cause[sd]?|thanks to"
    r"|otherwise|(?:that|this) way|why)\b",
    re.IGNORECASE,
)
_YEAR_OR_CLOCK = re.compile(r"1[0-9]\d\d|20\d\d|\d{1,2}:\d\d")
_SPELT_YEAR = re.compile(
    r"\b(?:(?:one|two) thousand|(?:eleven|(?:thir|four|fif|six|seven|eigh|nine)teen|twenty)[ -]"
    r"(?:hundred|oh|ten|eleven|twelve|\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety))\b"
    r"|\b(?:in|since|until|of) (?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)"
    r"(?:[ -](?:one|two|three|four|five|six|seven|eight|nine))\b(?! \w+s\b)",
    re.IGNORECASE,
)
_SPELT_DATE = re.compile(
    r"\b(?:\d{1,2}(?:st|nd|rd|th)|january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:every day|daily|tomorrow|today|tonight)\b",
    re.IGNORECASE,
)
_SPELT_TIME = re.compile(
    rf"{_SPELT_YEAR.pattern}|\b(?:half|quarter) (?:past|to)\b|\b\d{{1,2}} ?[ap]\.?m\b"
    r"|\b(?:in|of|until|since|by) (?:march|may)\b",
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
_NAMED = terms_of("city country language building planet river mountain town village")
_NAMED_TIMES = _DATES - terms_of("night week weekend month year decade century ago hour minute day date")
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
_BODIES = terms_of("""\
    county council government ministry state foundation charity firm school university college museum hospital club
    committee board navy parliament bank church association society group couple team lottery volunteer""")
_AGENT = re.compile(r"[a-z]{3}(?:[eo]rs?|eers?|ists?|ians?|m[ae]n|nurses?)$")
_NO_AGENTS = terms_of("""\
    water paper number river summer winter letter dinner supper computer shower tower power corner order butter weather
    whether ladder leather color flavor favor odor labor floor door mirror motor error colour matter cover center meter
    master silver copper rubber timber cucumber ginger pepper sugar vinegar flower powder shoulder finger feather liver
    chapter quarter september october november december answer better bigger larger smaller longer shorter later older
    newer cheaper higher lower deeper wider faster slower easier earlier warmer cooler stronger lighter darker former
    either neither together another further rather ever never however consider remember offer enter suffer deliver
    discover prefer trigger filter counter container charger printer toaster burner roller boiler cooker router server
    folder header cylinder interior exterior tractor reactor sensor monitor harbor anchor corridor armor indoor outdoor
    human german roman ocean list mist twist exist insist consist assist resist waist wrist fist""")
_PRONOUNS = terms_of("i me my we us our you your he him his she her")
_PLACE_PREPOSITIONS = terms_of(
    """\
    in at on near from to under beneath below above behind beside along inside outside across around between
    within toward towards off by into through"""
)
_PLACES = terms_of("here there home upstairs downstairs outside inside abroad street road avenue square room")
