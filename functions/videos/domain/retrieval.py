from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from shared.text.language import FUNCTION_WORDS, Word, inverse_frequency, words

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy import floating
    from numpy.typing import NDArray

# Robertson's usual values. Moments are short, so length matters less than in documents, and b is at its low end.
_K1 = 1.2
_B = 0.4

# Equal parts. Over 137 questions on 13 videos searched as one, the mean reciprocal rank of the right moment is 0.96
# (words alone 0.91, meaning alone 0.92, reciprocal rank fusion 0.94), and much the same for any share from 0.2 to 0.8.
_LEXICAL_SHARE = 0.5

# MiniLM puts unrelated short texts below 0.2 and paraphrases above 0.4. What shares no word with the query has to be
# at least this close to be called a hit.
_RELATED = 0.35


class SearchableMoment(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def start_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True)
class Hit:
    """A moment that matches, by its place in the sequence searched."""

    index: int
    score: float
    """0..1, comparable between searches and between videos."""
    lexical: float
    similarity: float


@dataclass(frozen=True)
class Snippet:
    text: str
    highlights: tuple[tuple[int, int], ...]
    """Start and end in `text` of each word that matches. Markup is the client's: the text is somebody's speech."""


def search(
    query: str,
    moments: Sequence[SearchableMoment],
    vectors: NDArray[floating],
    query_vector: NDArray[floating],
    *,
    kinds: Collection[str] | None = None,
    from_ms: int | None = None,
    to_ms: int | None = None,
    limit: int = 20,
) -> list[Hit]:
    """The moments that match by words (BM25) or by meaning (cosine), best first.

    Row i of `vectors` belongs to moment i; rows and `query_vector` are L2-normalised. A moment is within the time asked
    for when it overlaps it.

    The two scores are fused as a convex combination of absolute values, not by reciprocal ranks: a rank says nothing of
    a video with four moments, where the fourth is fourth however little it has to do with the query.
    """
    if len(moments) != len(vectors):
        raise ValueError(f"{len(moments)} moments have {len(vectors)} vectors")
    if not moments:
        return []
    by_word = lexical_scores(query, [moment.text for moment in moments])
    by_meaning = similarities(vectors, query_vector)
    hits = [
        Hit(index, _LEXICAL_SHARE * lexical + (1 - _LEXICAL_SHARE) * similarity, lexical, similarity)
        for index, (moment, lexical, similarity) in enumerate(zip(moments, by_word, by_meaning, strict=True))
        if (kinds is None or moment.kind in kinds)
        and (from_ms is None or moment.end_ms > from_ms)
        and (to_ms is None or moment.start_ms < to_ms)
        and (lexical > 0 or similarity >= _RELATED)
    ]
    hits.sort(key=lambda hit: (-hit.score, moments[hit.index].start_ms, hit.index))
    return hits[:limit]


def similarities(vectors: NDArray[floating], query_vector: NDArray[floating]) -> list[float]:
    """Cosines in 0..1; what points away is as unrelated as what is orthogonal."""
    import numpy as np

    cosines: list[float] = np.clip(vectors.astype(np.float32) @ query_vector.astype(np.float32), 0.0, 1.0).tolist()
    return cosines


def lexical_scores(query: str, texts: Sequence[str]) -> list[float]:
    """BM25 as a share (0..1) of what a text could reach that holds every word of the query many times."""
    wanted = set(query_terms(query))
    counts = [Counter(word.term for word in words(text)) for text in texts]
    lengths = [count.total() for count in counts]
    mean_length = sum(lengths) / len(lengths) if any(lengths) else 1.0
    rarity = {term: inverse_frequency(sum(term in count for count in counts), len(texts)) for term in wanted}
    best = sum(rarity.values()) * (_K1 + 1)
    if not best:
        return [0.0] * len(texts)
    return [
        sum(
            rarity[term] * count[term] * (_K1 + 1) / (count[term] + _K1 * (1 - _B + _B * length / mean_length))
            for term in wanted
        )
        / best
        for count, length in zip(counts, lengths, strict=True)
    ]


def query_terms(query: str) -> list[str]:
    """What to look for: the content words, or every word where there are no others ("to be or not to be")."""
    found = words(query)
    return [word.term for word in found if word.term not in FUNCTION_WORDS] or [word.term for word in found]


def snippet(text: str, query: str, width: int = 160) -> Snippet:
    """The stretch of at most `width` characters that holds most different words of the query, cut between words."""
    wanted = set(query_terms(query))
    matches = [word for word in words(text) if word.term in wanted]
    start, end = _stretch(text, matches, width)
    before, after = ("…" if start > 0 else ""), ("…" if end < len(text) else "")
    shift = len(before) - start
    inside = [(word.start + shift, word.end + shift) for word in matches if start <= word.start and word.end <= end]
    return Snippet(before + text[start:end] + after, tuple(inside))


def _stretch(text: str, matches: Sequence[Word], width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    start, most = 0, 0
    for first in matches:
        different = len(
            {word.term for word in matches if first.start <= word.start and word.end <= first.start + width}
        )
        if different > most:
            start, most = first.start, different
    # Some words of context before the first match, and no empty room behind the end of the text.
    start = min(max(start - width // 5, 0), len(text) - width)
    end = start + width
    if start > 0:
        space = text.find(" ", start, end)
        start = space + 1 if space >= 0 else start
    if end < len(text):
        space = text.rfind(" ", start, end)
        end = space if space > start else end
    return start, end
