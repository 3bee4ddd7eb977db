"""The words of a table, to find those that a word was misheard or misread as.

Recognisers write names as they sound and lose the space between words of a caption. So a word of a query also stands,
for less than itself, for words that are a letter or two away from it, and for captions' words that it is a part of.

All words of a table are gone through. What makes that quick is a signature of each: the set of its pairs of letters,
hashed into 64 bits (a Bloom filter). A letter changed changes two pairs at most, and a part of a word has no other
pairs than the word, so few words are left to be compared letter by letter.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy import bool_, bytes_, uint64
    from numpy.typing import NDArray

_LONGEST = 32
"""Bytes of a word that are kept: longer ones are several words without spaces, mostly."""
_SHORTEST_MISHEARD = 5
_SHORTEST_OF_TWO_LETTERS = 8
_SHORTEST_PART = 4
_LEAST_BESIDE = 3
"""A word that is a part of another one leaves room for a word beside it: the other isn't just a form of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Different terms in the order of their digests, with their signatures."""

    digests: NDArray[uint64]
    terms: NDArray[bytes_]
    signatures: NDArray[uint64]

    @classmethod
    def of(cls, terms: Iterable[tuple[uint64, str]]) -> Vocabulary:
        """Of terms with their digests."""
        import numpy as np

        ordered = sorted(dict(terms).items())
        return cls(
            np.array([one for one, _ in ordered], dtype=np.uint64),
            np.array([term.encode()[:_LONGEST] for _, term in ordered], dtype=f"S{_LONGEST}"),
            np.array([_signature(term) for _, term in ordered], dtype=np.uint64),
        )

    def only(self, digests: NDArray[uint64]) -> Vocabulary:
        """Those of the terms that have one of these digests."""
        import numpy as np

        picked = np.isin(self.digests, digests)
        return Vocabulary(self.digests[picked], self.terms[picked], self.signatures[picked])

    @staticmethod
    def join(parts: Sequence[Vocabulary]) -> Vocabulary:
        import numpy as np

        digests, places = np.unique(np.concatenate([part.digests for part in parts]), return_index=True)
        terms = np.concatenate([part.terms for part in parts])[places]
        return Vocabulary(digests, terms, np.concatenate([part.signatures for part in parts])[places])

    @property
    def size_bytes(self) -> int:
        return self.digests.nbytes + self.terms.nbytes + self.signatures.nbytes

    def mistaken_for(self, term: str) -> NDArray[uint64]:
        """The digests of other terms that a recogniser may have written for this one."""
        import numpy as np

        letters = _letters_mistaken(term)
        if not letters or not len(self.terms):
            return self.digests[:0]
        signature = _signature(term)
        shared = np.bitwise_count(self.signatures & np.uint64(signature))
        alike = shared >= signature.bit_count() - 2 * letters
        alike &= self.terms.view(np.uint8).reshape(-1, _LONGEST)[:, 0] == term.encode()[0]
        return self._picked(alike, lambda other: is_mistaken(term, other))

    def holding(self, term: str) -> NDArray[uint64]:
        """The digests of the longer terms that this one is a part of."""
        import numpy as np

        if len(term) < _SHORTEST_PART or not len(self.terms):
            return self.digests[:0]
        signature = np.uint64(_signature(term))
        return self._picked((self.signatures & signature) == signature, lambda other: is_part(term, other))

    def _picked(self, candidates: NDArray[bool_], fits: Callable[[str], bool]) -> NDArray[uint64]:
        import numpy as np

        places = [at for at in candidates.nonzero()[0] if fits(bytes(self.terms[at]).decode(errors="ignore"))]
        return self.digests[np.array(places, dtype=np.intp)]


def is_mistaken(term: str, other: str) -> bool:
    """Whether one may have been heard or read as the other: the same but for a letter, or two of a long word.

    The first letter and figures are right mostly, and tell too much to be doubted.
    """
    letters = _letters_mistaken(term)
    return letters > 0 and term != other and term[0] == other[:1] and _distance(term, other, letters) <= letters


def is_part(term: str, other: str) -> bool:
    """Whether a longer word may be this one and another without the space between them."""
    if len(term) < _SHORTEST_PART or len(other) < len(term) + _LEAST_BESIDE:
        return False
    return other.startswith(term) or other.endswith(term)


def _letters_mistaken(term: str) -> int:
    if len(term) < _SHORTEST_MISHEARD or not term.isalpha():
        return 0
    return 1 if len(term) < _SHORTEST_OF_TWO_LETTERS else 2


def _signature(term: str) -> int:
    code = 0
    for one, other in pairwise(term):
        code |= 1 << ((ord(one) * 31 + ord(other)) % 64)
    return code


def _distance(one: str, other: str, most: int) -> int:
    """Letters to insert, remove or replace (Levenshtein), or any number above `most` where there are more."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before = list(range(len(other) + 1))
    for row, letter in enumerate(one, start=1):
        now = [row]
        for column, opposite in enumerate(other, start=1):
            now.append(min(before[column] + 1, now[-1] + 1, before[column - 1] + (letter != opposite)))
        if min(now) > most:
            return most + 1
        before = now
    return before[-1]
