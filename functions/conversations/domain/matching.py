"""How well what a moment says stands for a word of the question: the word itself, misheard, or another for the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.text.categories import members_of
from shared.text.language import GRAMMATICAL_WORDS, NUMBERS, root, terms_of
from shared.text.synonyms import same_as

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.text.language import Word

EXACT = 1.0
SAME_ROOT = 0.9
OTHER_WORD = 0.7
# They stand for too many other words to stand for one.
_OF_EVERY_USE = terms_of("get go come take")
MISHEARD = 0.7
"""Speech and text are recognised: a letter is wrong, or a space is missing."""


def likenesses(wanted: str, vocabulary: Iterable[str]) -> dict[str, float]:
    """The terms of the vocabulary that stand for the one wanted, each with how well (0..1)."""
    roots, others = root(wanted), (same_as(wanted) | members_of(wanted)) - _OF_EVERY_USE
    found: dict[str, float] = {}
    for term in vocabulary:
        if term == wanted:
            found[term] = EXACT
        elif root(term) == roots or _is_kind_of(wanted, term):
            found[term] = SAME_ROOT
        elif term in others:
            found[term] = OTHER_WORD
        elif _is_run_together(wanted, term):
            found[term] = EXACT
    if not any(likeness >= SAME_ROOT for likeness in found.values()):
        found |= {term: MISHEARD for term in vocabulary if term not in found and _sounds_like(wanted, term)}
    return found


def tells(spoken: Sequence[Word], term: str) -> bool:
    return bool(likenesses(term, {word.term for word in spoken}))


def _is_kind_of(wanted: str, term: str) -> bool:
    """What a compound is, its last part tells: a schoolteacher is a teacher."""
    return len(wanted) >= _SHORTEST_HEAD and term.endswith(wanted) and len(term) - len(wanted) >= _SHORTEST_MODIFIER


_SHORTEST_HEAD, _SHORTEST_MODIFIER = 5, 3


def _is_run_together(wanted: str, term: str) -> bool:
    """Recognised text lacks spaces: "Buildingthe bridge"."""
    if len(wanted) < _SHORTEST_PART or len(term) <= len(wanted):
        return False
    rest = term.removeprefix(wanted) if term.startswith(wanted) else term.removesuffix(wanted)
    return rest != term and (rest in GRAMMATICAL_WORDS or rest in NUMBERS)


_SHORTEST_PART = 4


def _sounds_like(wanted: str, term: str) -> bool:
    longer = max(len(wanted), len(term))
    if min(len(wanted), len(term)) < _SHORTEST_MISHEARD or wanted[0] != term[0] or wanted[0].isdigit():
        return False
    return _is_within(1 if longer < _LONG else 2, wanted, term)


_SHORTEST_MISHEARD, _LONG = 5, 8


def _is_within(edits: int, first: str, second: str) -> bool:
    """Whether so many insertions, deletions and substitutions make one word of the other (Levenshtein)."""
    if abs(len(first) - len(second)) > edits:
        return False
    row = list(range(len(second) + 1))
    for position, one in enumerate(first, start=1):
        above, row[0] = row[0], position
        for column, other in enumerate(second, start=1):
            above, row[column] = row[column], min(row[column] + 1, row[column - 1] + 1, above + (one != other))
        if min(row) > edits:
            return False
    return row[-1] <= edits
