from __future__ import annotations

import math
import re
import unicodedata
from functools import lru_cache
from typing import NamedTuple


class Word(NamedTuple):
    """A word of a text: as written, the form it is compared by, and where it stands."""

    text: str
    term: str
    start: int
    end: int


# Numbers keep their separators ("1,200", "3.5", "10:30"), words their apostrophes ("don't") and combining accents.
_WORD = re.compile(r"[%°€$£]|\d+(?:[.,:]\d+)*|[^\W\d_](?:[^\W\d_]|[\u0300-\u036f])*(?:['’][^\W\d_]+)*|[^\W_]+")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")


def words(text: str) -> list[Word]:
    found: list[Word] = []
    for match in _WORD.finditer(text):
        written = match.group()
        if _CJK.fullmatch(written):
            # Chinese and Japanese put no space between words; overlapping pairs of characters find most of them.
            pairs = range(max(len(written) - 1, 1))
            at = match.start()
            found.extend(
                Word(written[i : i + 2], written[i : i + 2], at + i, at + i + len(written[i:][:2])) for i in pairs
            )
        else:
            found.append(Word(written, term(written), match.start(), match.end()))
    return found


def fold(text: str) -> str:
    """Without case, accents and typographic variants."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'")).casefold()
    return "".join(character for character in decomposed if not unicodedata.combining(character))


@lru_cache(maxsize=8192)
def term(word: str) -> str:
    """The form in which inflections of a word are equal. It is a key for comparing, not always a word: bake -> bak."""
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    folded = fold(word)
    if folded[0].isdigit():
        return folded.replace(",", "")
    folded = folded.removesuffix("'s")
    if folded in NUMBERS:
        return NUMBERS[folded]
    folded = _IRREGULAR.get(folded, folded)
    return folded if not folded.isascii() else _stem(folded)


def terms_of(text: str) -> frozenset[str]:
    return frozenset(map(term, text.split()))


@lru_cache(maxsize=8192)
def root(key: str) -> str:
    """A term without its derivational ending, so that a verb meets its noun: election, elected, elector -> elect."""
    for ending in _DERIVATIONAL:
        if key.endswith(ending) and len(key) - len(ending) >= _SHORTEST_ROOT:
            return key[: -len(ending)]
    return key


def inverse_frequency(holding: int, texts: int) -> float:
    """How much a word tells that `holding` of `texts` hold (Robertson and Sparck Jones, never below zero)."""
    return math.log(1 + (texts - holding + 0.5) / (holding + 0.5))


_SHORTEST_ROOT = 4
_DERIVATIONAL = (
    "ational",
    "ation",
    "ition",
    "ment",
    "ness",
    "ance",
    "ence",
    "ion",
    "ist",
    "ian",
    "ive",
    "ity",
    "ful",
    "ic",
    "or",
    "er",
    "al",
    "o",
    "y",
)

_VOWEL = re.compile(r"[aeiouy]")
_NOT_PARTICIPLES = (
    "anything",
    "bearing",
    "building",
    "ceiling",
    "during",
    "evening",
    "everything",
    "herring",
    "morning",
    "nothing",
    "pudding",
    "sibling",
    "something",
    "viking",
    "wedding",
    "hundred",
    "sacred",
)


def _stem(word: str) -> str:
    if len(word) <= 3:
        return word
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if word not in _NOT_PARTICIPLES:
        if word.endswith("ied") and len(word) > 4:
            word = word[:-3] + "y"
        else:
            for ending in ("ing", "ed"):
                rest = word.removesuffix(ending)
                if rest != word and len(rest) >= 3 and _VOWEL.search(rest) and not word.endswith("eed"):
                    word = rest
                    break
    if word.endswith("ly") and len(word) > 5:
        word = word[:-2]
    if word.endswith("e") and len(word) > 3:
        word = word[:-1]
    if len(word) > 3 and word[-1] == word[-2]:
        # stop, stopped; fall, falling: dropping the second letter everywhere makes all of them one.
        word = word[:-1]
    return word


_SYMBOLS = {"%": "percent", "°": "degree", "€": "euro", "$": "dollar", "£": "pound"}

_UNDER_TWENTY = """\
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen
nineteen"""
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
NUMBERS = {name: str(value) for value, name in enumerate(_UNDER_TWENTY.split())} | {
    name: str(10 * tens) for tens, name in enumerate(_TENS.split(), 2)
}

# Irregular forms of the commonest verbs and nouns of English; each line's first word stands for the others.
_IRREGULAR = {
    form: base
    for base, *forms in map(
        str.split,
        """\
        be am are is was were been being
        become became
        begin began begun
        bite bit bitten
        blow blew blown
        break broke broken
        bring brought
        build built
        buy bought
        catch caught
        choose chose chosen
        come came
        dig dug
        die died dies dying
        tie tied ties tying
        do does did done doing
        draw drew drawn
        drink drank drunk
        drive drove driven
        eat ate eaten
        fall fell fallen
        feed fed
        feel felt
        fight fought
        find found
        fly flew flown flies flying
        freeze froze frozen
        get got gotten
        give gave given
        go goes went gone going
        grow grew grown
        have has had having
        hear heard
        hold held
        keep kept
        know knew known
        lay laid
        lead led
        leave left
        lend lent
        lose lost
        make made making
        mean meant
        meet met
        pay paid
        read reading
        ride rode ridden
        rise rose risen
        run ran running
        say said says saying
        see saw seen seeing
        sell sold
        send sent
        shake shook shaken
        shoot shot
        show shown showed
        sing sang sung
        sink sank sunk
        sit sat
        sow sowed sown
        hide hid hidden
        tear tore torn
        forget forgot forgotten
        forgive forgave forgiven
        swear swore sworn
        bend bent
        hang hung
        light lit
        shine shone
        shrink shrank shrunk
        slide slid
        spill spilt
        spin spun
        swing swung
        weave wove woven
        seek sought
        burn burnt
        learn learnt
        dream dreamt
        beat beaten
        sweep swept
        creep crept
        weep wept
        deal dealt
        sleep slept
        speak spoke spoken
        spend spent
        stand stood
        steal stole stolen
        stick stuck
        strike struck
        swim swam swum
        take took taken
        teach taught
        tell told
        think thought
        throw threw thrown
        understand understood
        wake woke woken
        wear wore worn
        win won
        write wrote written
        child children
        foot feet
        knife knives
        leaf leaves
        life lives
        loaf loaves
        man men
        mouse mice
        person people persons
        shelf shelves
        tooth teeth
        wife wives
        wolf wolves
        woman women
        half halves
        color colour colors colours
        center centre centers centres
        meter metre meters metres
        gray grey""".splitlines(),
    )
    for form in forms
}

# Words that carry no content of their own, as terms: they neither find a moment nor have to be found in one.
GRAMMATICAL_WORDS = terms_of("""\
    a an the this that these those it its itself he him his she her hers they them their theirs we us our ours you your
    yours i me my mine myself ones someone anyone somebody anybody everyone something anything everything
    and or but nor so if then than as of at by for with without about into onto to from in on off out up down over under
    until till while because whether although though
    through during before after above below between within upon across near again further once here there
    be am is are was were been being do does did done have has had having can could may might must shall should will
    would cannot won't can't don't doesn't didn't isn't aren't wasn't weren't couldn't shouldn't wouldn't mustn't
    haven't hasn't hadn't needn't
    that's i'm i'd i'll i've we're we'll we've they're you're let's
    what which who whom whose when where why how not no yes please just also very too really actually ever any some
    all each both few many much more most other such own same only even still yet""")

# Verbs (and the word okay) that say little where another word says more; alone they may be all that is asked.
LIGHT_WORDS = terms_of(
    "get go come came make take give put bring keep let use used using need want like know think say ok okay"
)

FUNCTION_WORDS = GRAMMATICAL_WORDS | LIGHT_WORDS
