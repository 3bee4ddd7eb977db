"""Comparing what was read, heard or answered with what was written, said or asked for."""

import re
import unicodedata
from collections.abc import Sequence

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third", "5th": "fifth", "9th": "ninth"}
_NUMBERS = {*_UNITS, *_TENS}


def distance(found: Sequence[str], wanted: Sequence[str]) -> int:
    """Substitutions, insertions and deletions between the two (Levenshtein)."""
    row = list(range(len(wanted) + 1))
    for position, one in enumerate(found, start=1):
        previous, row[0] = row[0], position
        for column, expected in enumerate(wanted, start=1):
            previous, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, previous + (one != expected)),
            )
    return row[-1]


def tokens(text: str) -> list[str]:
    """Words in small letters, numbers in words: whether somebody wrote 40 or forty says nothing about hearing."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("’", "'")
    plain = re.sub(r"\$\s?([\d.,]+)( million| thousand)?", r"\1\2 dollars", plain)
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", plain)
    found = re.findall(r"\d+(?:st|nd|rd|th)\b|\d+|[a-z']+", plain)
    return [word for token in found for word in _spelled(token.strip("'")) if word]


def _spelled(token: str) -> list[str]:
    if token in _ORDINALS:
        return [_ORDINALS[token]]
    return in_words(int(token)).split() if token.isdecimal() and len(token) <= 4 else [token]


def in_words(number: int) -> str:
    """As it is spoken in English; four digits like a year."""
    if number < 20:
        return _UNITS[number]
    if number < 100:
        return _TENS[number // 10] + (f" {_UNITS[number % 10]}" if number % 10 else "")
    if 1100 <= number < 2000 and number % 100:
        return f"{in_words(number // 100)} {in_words(number % 100)}"
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = number % size
    return f"{in_words(number // size)} {name}" + (f" {in_words(rest)}" if rest else "")


def tells(answer: str, groups: Sequence[Sequence[str]]) -> bool:
    """Whether the answer holds one alternative of each group, as whole words."""
    # Where in the video something is, an engine says with every answer: 0:12 is no mention of twelve.
    said = tokens(re.sub(r"\b[01]:[0-5]\d(?:\.\d)?\b", " ", answer))
    return all(any(_occurs(tokens(one), said) or (":" in one and one in answer) for one in group) for group in groups)


def _occurs(phrase: Sequence[str], said: Sequence[str]) -> bool:
    if not phrase:
        return False
    *head, last = phrase
    return any(
        list(said[start : start + len(head)]) == head and _matches(last, said[start + len(head)])
        for start in range(len(said) - len(head))
    )


def _matches(wanted: str, word: str) -> bool:
    """The word itself, or an inflected form of it: numbers have none."""
    return word == wanted or (len(wanted) >= 4 and wanted not in _NUMBERS and word.startswith(wanted))
