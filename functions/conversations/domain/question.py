from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from functions.conversations.domain.kinds import ABOUT_VIDEOS
from shared.text.categories import members_of
from shared.text.language import FUNCTION_WORDS, GRAMMATICAL_WORDS, Word, fold, term, terms_of, words

if TYPE_CHECKING:
    from collections.abc import Sequence

# Longer questions are read up to here: what is asked stands at the beginning, and work stays bounded.
LONGEST_READ = 600


class Asks(StrEnum):
    """What an answer to the question has to hold."""

    POSITION = "position"
    """At what time of the video something is said, shown or happens."""
    OCCURRENCE = "occurrence"
    """When something happens: at an hour that is told, or else at what time of the video."""
    EXISTENCE = "existence"
    SUMMARY = "summary"
    CAPTIONS = "captions"
    """What is written on screen at all."""
    WHO = "who"
    NAME = "name"
    WHERE = "where"
    WHEN = "when"
    NUMBER = "number"
    REASON = "reason"
    COLOUR = "colour"
    ANYTHING = "anything"


@dataclass(frozen=True)
class Question:
    asks: Asks
    terms: tuple[str, ...]
    """The content words, in order, without those that only say how it is asked."""
    names: frozenset[str]
    """The terms that name somebody or something, or are numbers: nothing else can stand for them."""
    phrases: tuple[tuple[str, ...], ...]
    """What was put in quotation marks, word for word."""
    measure: str | None = None
    """The property that a "how …" asks the size of (hot, far, much), or what "how many" counts."""
    kind_words: frozenset[str] = frozenset()
    """What kind of answer is asked for ("which prize"): it needn't be said in it."""
    kinds: frozenset[str] = frozenset()
    """The kinds of moments that are asked about, or none for all."""
    is_yes_or_no: bool = False
    soft: frozenset[str] = frozenset()
    """Words that may tell what is asked about, or only that it is told."""
    context: tuple[str, ...] = ()
    """What was asked about before, where this question can't be understood alone."""
    is_definition: bool = False
    """Whether it asks what something is."""
    wants_place: bool = False
    """Whether it asks when something is told, which is itself a question: "when is it said how deep it is?"."""
    is_of_time: bool = False
    """Whether it asks how long something does or takes, not how long it is."""
    counted: str | None = None
    """What "how many", "how much" or "how many kilos of" counts."""
    edge: int | None = None
    """0 where only the first of the places is asked for, -1 for the last."""

    @property
    def asks_who_is_named(self) -> bool:
        """ "Who is Tom?": whatever is told of him."""
        return self.asks is Asks.WHO and bool(self.terms) and self.names.issuperset(self.terms)


def read_question(question: str) -> Question:
    question = question[:LONGEST_READ]
    if embedded := _EMBEDDED.search(question):
        inner = read_question(f"{embedded['inner']}?")
        is_written = _WRITTEN_THERE.search(fold(embedded["told"])) is not None
        return replace(inner, wants_place=True, kinds=_WRITTEN if is_written else inner.kinds)
    quoted = (match.group(1) or match.group(2) for match in _QUOTED.finditer(question))
    phrases = tuple(filter(None, (tuple(word.term for word in words(phrase)) for phrase in quoted)))
    opened = _THIS_VIDEO.sub("", _COURTESY.sub("", question))
    asks, asked_with = _what_is_asked(fold(opened), bool(phrases))
    edge = _EDGE_OF_PLACES.search(opened) if asks is Asks.POSITION else None
    if edge is not None:
        opened = f"{opened[: edge.start()]} {opened[edge.end() :]}"
    measure = term(asked_with or "much") if asked_with or asks is Asks.NUMBER else None

    # "One" mostly stands for somebody or something else.
    content = [word for word in words(opened) if word.term not in FUNCTION_WORDS and word.text.lower() != "one"]
    if asks is not Asks.NUMBER or measure in _MEASURES:
        # "How hot", "what colour": the word says of what kind the answer is and needn't be said again in it.
        content = [word for word in content if word.term != measure]
    about = _ABOUT_THE_VIDEO - _DONE if asks is Asks.WHO else _ABOUT_THE_VIDEO
    if asks is Asks.WHERE:
        about |= _BEING_SOMEWHERE
    topical = [word for word in content if word.term not in about]
    if not topical and not phrases and asks in (Asks.ANYTHING, Asks.EXISTENCE):
        asks = _about_the_video_as_a_whole(question, asks)
    if asks is Asks.SUMMARY:
        topical = [word for word in topical if word.term not in ABOUT_VIDEOS | _TOPIC]
    if topical or asks in (Asks.SUMMARY, Asks.CAPTIONS):
        content = topical
    elif not content:
        said = [word for word in words(opened) if word.term not in GRAMMATICAL_WORDS]
        # "Which year was it?" can be answered by a year alone, "Which city is this?" not by the word city.
        content = [word for word in said if word.term != measure or asks is Asks.WHEN]
    names = frozenset(word.term for word in _names(opened, content))
    terms = tuple(dict.fromkeys(word.term for word in content))
    kind_words = frozenset(term(match.group(1)) for match in _KIND_ASKED.finditer(fold(opened)))
    if (own := _OWN_KIND.search(fold(opened))) and (members_of(term(own[1])) or term(own[1]) in OCCUPATIONS):
        kind_words |= {term(own[1])}
    if asks is Asks.NUMBER or not set(terms) - kind_words:
        kind_words = frozenset()
    is_yes_or_no = asks in _YES_OR_NO and re.match(rf"^\W*{_AUXILIARY}\b", fold(question)) is not None
    soft = frozenset(word.term for word in words(opened) if word.term not in GRAMMATICAL_WORDS) - set(terms)
    if asks is Asks.NAME:
        # That "city" is said doesn't tell which city this is.
        soft -= {measure}
    if _MADE_OF.search(opened):
        kind_words = MATERIAL
    kinds = (
        _WRITTEN if asks in (Asks.ANYTHING, Asks.CAPTIONS) and _ASKS_FOR_WRITING.search(fold(opened)) else frozenset()
    )
    return Question(
        asks,
        terms,
        names,
        phrases,
        measure,
        kind_words,
        kinds,
        is_yes_or_no,
        soft,
        counted=term(counted[1] or counted[2]) if (counted := _COUNTED.search(fold(opened))) else None,
        is_definition=asks is Asks.ANYTHING and _DEFINITION.search(opened) is not None,
        is_of_time=_OF_TIME.search(fold(opened)) is not None,
        edge=None if edge is None else -1 if "last" in edge.group().lower() else 0,
    )


def read_in_context(question: str, history: Sequence[str]) -> Question:
    """As `read_question`; what can't be understood alone ("And where was that?") is about what was asked before."""
    asked = read_question(question)
    if not history:
        return asked
    before = read_in_context(history[-1], history[:-1])
    context = tuple(dict.fromkeys((*before.terms, *before.context)))
    if _ELLIPSIS.search(question) and asked.terms:
        # "How much water?" - "And salt?": the same is asked of something else.
        own = asked.terms
        return replace(before, terms=own, names=asked.names, phrases=asked.phrases, context=context)
    if not _points_back(question, asked):
        return asked
    own = tuple(term for term in asked.terms if term not in _ABOUT_THE_VIDEO)
    return replace(asked, terms=own, context=tuple(term for term in context if term not in own))


def search_text(question: str, history: Sequence[str]) -> str:
    """What to look for in the moments, by the earlier questions where this one can't be understood alone."""
    if history and (_ELLIPSIS.search(question) or _points_back(question, read_question(question))):
        return f"{question[:LONGEST_READ]} {history[-1][:LONGEST_READ]}"
    return question[:LONGEST_READ]


def content_of(text: str) -> frozenset[str]:
    return frozenset(word.term for word in words(text)) - FUNCTION_WORDS


def _points_back(question: str, asked: Question) -> bool:
    if asked.phrases or asked.asks in (Asks.SUMMARY, Asks.CAPTIONS):
        return False
    own = [term for term in asked.terms if term not in _ABOUT_THE_VIDEO]
    if not own and asked.asks in _ASKED_ALONE:
        return True
    if len(own) <= _FEW and _AND.search(question):
        return True
    return len(own) <= _FEW and not _BACKWARDS.isdisjoint(word.term for word in words(question[:LONGEST_READ]))


_FEW = 2
_AND = re.compile(r"^\W*and\b", re.IGNORECASE)
# "Why?", "And where?"
_ASKED_ALONE = (Asks.WHO, Asks.WHERE, Asks.WHEN, Asks.POSITION, Asks.OCCURRENCE, Asks.REASON, Asks.COLOUR)
_ELLIPSIS = re.compile(
    r"^\W*(?:(?:and|but|so)\s+)?(?:(?:what|how) about|and)\s+(?!wh|how\b|is\b|are\b|does\b)", re.IGNORECASE
)
_BACKWARDS = terms_of("he him his she her hers it its they them their that those there")

_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{1,300})[\"”“»]|(?<!\w)['‘]([^'’‘]{1,300})['’](?!\w)")
# "When is it said what it costs?"
_EMBEDDED = re.compile(
    r"^\W*(?:(?:at )?(?:when|where|what time|which (?:point|moment|time))\b.*?)"
    r"\b(?P<told>(?:is|are|was|do|does|did|can)\b.*?"
    r"\b(?:say|said|written|write|told|tell|explain\w*|mention\w*|show\w*|learn|read|reveal\w*|find out|describ\w*)"
    r"(?: \w+)?) (?P<inner>(?:what|who|whose|where|why|how|which)\b.+?)\W*$",
    re.IGNORECASE,
)
_WRITTEN_THERE = re.compile(r"\b(?:written|write|show|shown|read|on (?:the )?screen)\b")
_EDGE_OF_PLACES = re.compile(
    r"\b(?:for the )?(?:very )?(?:first|last)(?: time)?\b"
    r"(?=(?: \w+)?\W*$| \w+ (?:of|about)\W*$| that\b| (?:speak|talk|say|mention|hear|see|read|discuss)s?\b)",
    re.IGNORECASE,
)
_DEFINITION = re.compile(
    r"^(?!.*\b(?:of|for|with|from|to|in|on|at|like)\W*$)"
    r"\W*(?:what(?:'s| is| are)|what does (?=.*\bmean\W*$))\s*(?:an?\b|the\b)?(?: ?[\w'-]+){1,3}\W*$",
    re.IGNORECASE,
)
_COURTESY = re.compile(
    r"^\W*(?:(?:please|hey|hi|hello|so|and|but|ok(?:ay)?|well|(?:can|could|would) you|do you know|"
    r"i(?:'d| would)? (?:want|like) to know|"
    r"(?:tell|show|find|give) (?:me|us)|i wonder|find|locate)\b[\s,:]*)+",
    re.IGNORECASE,
)

# "In this recipe", "of this lecture": the video itself, by what it is.
_THIS_VIDEO = re.compile(
    r"\b(?:in|of|during|from|on|throughout) this (?:video|film|movie|clip|trailer|footage|recording|episode|lecture|"
    r"lesson|talk|recipe|tutorial|review|match|game|bulletin|broadcast|documentary|podcast|interview|speech|show|"
    r"report|presentation|course|webinar|meeting|call)\b",
    re.IGNORECASE,
)

# Words about the video itself or about its saying and showing. They tell how a question is asked, not what about.
_ABOUT_THE_VIDEO = terms_of("""\
    video film movie clip trailer footage episode scene screen caption subtitle text title word words
    phrase sentence speaker narrator presenter host guide lecturer instructor commentator reporter reviewer
    moment point timestamp anything mention mentioned talk talked say said speak spoken discuss discussed
    discussion tell told show shown display displayed appear appears appearing read see seen hear heard refer
    reference explain explained describe described happen happens happened occur written visible summarise
    summarize summary overview gist recap main content slide sign headline short brief topic theme""")

_REPORTED = (
    r"(?:says?|said|saying|mention\w*|talk\w*|speaks?|spoken|discuss\w*|tells?|told|shows?|shown|display\w*|appear\w*|"
    r"reads?|sees?|seen|hears?|heard|refer\w*|explain\w*|describ\w*|visible|written|on screen|come up)"
)
# "When did they see land?" asks for a date, "When did they mention land?" for a moment.
_SPOKEN_OF = r"(?:say|mention|talk|discuss|refer|explain|describe|come up|(?:you|we|i) (?:see|hear))"

# What the size of a property is told in. Some properties have no units of their own.
_LENGTHS = "metre meter m kilometre kilometer km mile yard foot inch centimetre centimeter cm millimetre millimeter mm"
_TIMES = "second minute hour day night week month year decade century sec s min h hr hrs"
_MONEY = "dollar euro pound cent yen franc crown krona krone rupee peso usd eur gbp chf"
_MEASURE_UNITS = {
    "hot warm cold": "degree celsius fahrenheit c f",
    "heavy": "gram kilo kilogram kg g pound ounce ton tonne weigh weight",
    "far": f"{_LENGTHS} percent step",
    "tall high": _LENGTHS,
    "deep": _LENGTHS,
    "thick": _LENGTHS,
    "wide": _LENGTHS,
    "long": f"{_LENGTHS} {_TIMES}",
    "old": "second minute hour day week month year decade century",
    "fast quick": "kilometre kilometer km mile knot hour second minute",
    "often": "second minute hour day week month year time every daily weekly",
    "expensive": f"{_MONEY} price",
    "much": f"{_MONEY} gram kilo kilogram g kg ounce litre liter millilitre ml cup spoon teaspoon tablespoon percent",
    "big large small strong loud bright good accurate": "",
}
UNITS = {
    term(adjective): terms_of(units) for adjectives, units in _MEASURE_UNITS.items() for adjective in adjectives.split()
}
DURATIONS = terms_of(_TIMES)
SAME_PROPERTY = {
    term(adjective): terms_of(adjectives) | (terms_of("apart away") if adjective == "far" else frozenset())
    for adjectives in _MEASURE_UNITS
    for adjective in adjectives.split()
}
_MEASURES = frozenset(UNITS)

# Verbs that only ask for the measure: an amount with its unit answers them without their being said.
ASKING_VERBS = terms_of("last take cost weigh measure reach pay charge")

# A bridge is long in metres, but it lasts years.
_OF_TIME = re.compile(r"\bfor how long\b|\bhow long (?!(?:is|are|was|were|of)\b)")
# "Where do I find the key?" asks where it is.
_BEING_SOMEWHERE = terms_of("find locate keep stand lie situate belong")
# "Who wrote it?" asks for more than who tells it.
_DONE = terms_of("written")
_MADE_OF = re.compile(r"\bmade (?:up )?(?:of|from|out of)\b", re.IGNORECASE)
MATERIAL = terms_of("material made")
_TOPIC = terms_of("topic subject theme general learn")
_YES_OR_NO = (Asks.ANYTHING, Asks.EXISTENCE)
_WRITTEN = frozenset({"text"})
_ASKS_FOR_WRITING = re.compile(
    r"\b(?:what|which)\b.*\b"
    r"(?:written|captions?|subtitles?|texts?|signs?|slides?|headings?|headlines?|on (?:the )?screen)\b"
)
_KIND_ASKED = re.compile(r"\b(?:what|which) (?:(?:kind|sort|type)s? of )?(\w+)(?= )")
# "What is her job?", "What was Ann's profession?"
_OWN_KIND = re.compile(r"\bwhat(?:'s| is| are| was| were) (?:[\w ]+'s?|his|her|its|their|your|my|our) (\w+)\W*$")
OCCUPATIONS = terms_of("profession occupation job trade")
_ADJECTIVE = "|".join(sorted((word for words_ in _MEASURE_UNITS for word in words_.split()), key=len, reverse=True))
_AUXILIARY = r"(?:is|are|was|were|does|do|did|has|have|had|can|could|will|would|should)"

# Of "how many emergency exits are there", what is counted.
_HEAD = rf"(?:(?!of\b)\w+ ){{0,2}}?(\w+)(?= (?:{_AUXILIARY}|there|of)\b)"
_COUNTED = re.compile(rf"\bhow (?:many|much) (?:\w+ of )?(?:{_HEAD}|(\w+)\b)")

# In order: the first that matches decides. A group is the word that says of what kind the answer is.
_FORMS: tuple[tuple[re.Pattern[str], Asks], ...] = tuple(
    (re.compile(pattern), asks)
    for pattern, asks in (
        (r"\b(?:summari[sz]e|summary|overview|gist|recap)\b", Asks.SUMMARY),
        (r"^\W*what(?:'s| is| are| was| were)\b(?: \w+){1,2}(?: all| mainly| mostly)? about\W*$", Asks.SUMMARY),
        (r"\bwhat (?:will|do|can|would) (?:i|you|we|one|viewers) learn\b(?: \w+){0,4}\W*$", Asks.SUMMARY),
        (r"^\W*what(?:'s| is| was) the (?:main |general )?(?:topic|subject|theme)\b", Asks.SUMMARY),
        (r"\bwhere in the (?:video|film|movie|clip|trailer|footage|recording)\b", Asks.POSITION),
        (rf"\b(?:when|where)(?! did)\b.*\b{_REPORTED}\b", Asks.POSITION),
        (rf"\b(?:when|where) did\b.*\b{_SPOKEN_OF}\b", Asks.POSITION),
        (
            rf"\b(?:at )?(?:what|which) (time|point|moment|minute|second|timestamp|position)\b.*\b{_REPORTED}\b",
            Asks.POSITION,
        ),
        (rf"^(?:\w+ )?how ({_ADJECTIVE})\b", Asks.NUMBER),
        (rf"^(?:\w+ )?how many {_HEAD}", Asks.NUMBER),
        (r"^(?:\w+ )?how many (\w+)", Asks.NUMBER),
        (r"^when(?:'s| is| are| does| do| can| will| should| must| may| shall)\b", Asks.OCCURRENCE),
        (
            r"^(?!.*\b(?:what|how|who|where|why|which)\b.*\bwhen\b).*\b(?:since )?when\b",
            Asks.WHEN,
        ),
        (r"\b(?:what|which) (year|date|day|month|time|century|season)\b", Asks.WHEN),
        (rf"\bhow many {_HEAD}", Asks.NUMBER),
        (r"\bhow many (\w+)", Asks.NUMBER),
        (r"\bwhat\b.*\bcosts?\b|\bwhat\b.*\bprice\b", Asks.NUMBER),
        (rf"\bhow ({_ADJECTIVE})\b", Asks.NUMBER),
        (r"^(?:what|which) (\w+) (?:is|are|was|were) (?:this|that|it|these|those)\b", Asks.NAME),
        (r"\b(name) of\b|'s (name)\b|^what\b.*\b(called|named)\b", Asks.NAME),
        (r"\bwh(?:o|om|ose)(?:'s)?\b", Asks.WHO),
        (r"\bwhere(?:'s)?\b", Asks.WHERE),
        (r"\bwhy\b|\bwhat (reason)\b", Asks.REASON),
        (r"\b(?:what|which) (colou?rs?)\b", Asks.COLOUR),
        (rf"^(?:(?:is|are|was|were) there|{_AUXILIARY}(?: \w+){{1,4}}? {_REPORTED})\b", Asks.EXISTENCE),
    )
)


def _what_is_asked(question: str, has_phrase: bool) -> tuple[Asks, str | None]:
    for form, asks in _FORMS:
        if match := form.search(question):
            return asks, next(filter(None, match.groups()), None)
    return (Asks.POSITION if has_phrase else Asks.ANYTHING), None


def _about_the_video_as_a_whole(question: str, asks: Asks) -> Asks:
    asked = fold(question)
    if re.search(r"\b(?:captions?|subtitles?|text|titles?|words?|written|on screen)\b", asked):
        return Asks.CAPTIONS
    if re.search(r"\b(?:about|happens?|happening|said|say|content|video|film|movie|clip|see|shown)\b", asked):
        return Asks.SUMMARY
    return asks


def _names(question: str, content: Sequence[Word]) -> list[Word]:
    asked = words(question)
    capitals = sum(word.text[0].isupper() for word in asked)
    told_by_case = 2 * capitals <= len(asked) + 1
    first = asked[0].start if asked else 0
    return [
        word
        for word in content
        if any(character.isdigit() for character in word.term)
        or (told_by_case and word.text[0].isupper() and word.start != first)
    ]
