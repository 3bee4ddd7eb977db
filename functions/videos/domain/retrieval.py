from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.videos.domain.moment_table import label_key
from shared.text.language import FUNCTION_WORDS, Word, inverse_frequency, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import bool_, float32, floating
    from numpy.typing import NDArray

    from functions.videos.domain.moment_table import MomentTable

# Robertson's usual values. Moments are short, so length matters less than in documents, and b is at its low end.
_K1 = 1.2
_B = 0.4

# Equal parts. Over 137 questions on 13 videos searched as one, the mean reciprocal rank of the right moment is 0.96
# (words alone 0.91, meaning alone 0.92, reciprocal rank fusion 0.94), and much the same for any share from 0.2 to 0.8.
_LEXICAL_SHARE = 0.5

# MiniLM puts unrelated short texts below 0.2 and paraphrases above 0.4. What shares no word with the query has to be
# at least this close to be called a hit.
_RELATED = 0.35

# Integers have no fast product, so rows are made floats some at a time: few enough to stay in the processor's cache,
# and for the linear algebra library not to start threads, which cost more than this product.
_ROWS_AT_ONCE = 512


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a hit has to be besides near to the query. A moment is within a time when it overlaps it.

    `video_ids` are those that are searched, all where there are none named. `upto` leaves out what came into the
    workspace's index after that version of it.
    """

    kind: str | None = None
    label: str | None = None
    from_ms: int | None = None
    to_ms: int | None = None
    video_ids: frozenset[str] | None = None
    upto: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A moment that matches: a row of one of the tables searched."""

    table: MomentTable
    row: int
    score: float
    """0..1, comparable between searches."""


@dataclass(frozen=True)
class Snippet:
    text: str
    highlights: tuple[tuple[int, int], ...]
    """Start and end in `text` of each word that matches. Markup is the client's: the text is somebody's speech."""


def search(
    query: str,
    query_vector: NDArray[floating],
    tables: Sequence[MomentTable],
    wanted: Wanted,
    *,
    start: int = 0,
    limit: int = 20,
) -> list[Hit]:
    """The moments that match by words (BM25) or by meaning (cosine): of all, best first, `limit` from the `start`-th.

    How rare a word is, is counted over all moments of the tables up to the version wanted, so the same moments score
    the same however they are spread over tables. `query_vector` is L2-normalised.

    The two scores are fused as a convex combination of absolute values, not by reciprocal ranks: a rank says nothing of
    a video with four moments, where the fourth is fourth however little it has to do with the query.
    """
    import numpy as np

    tables = [table for table in tables if len(table)]
    if not tables:
        return []
    there = [_there(table, wanted.upto) for table in tables]
    scores = []
    for table, is_there, lexical in zip(tables, there, _lexical(query, tables, there), strict=True):
        similarity = _cosines(table, query_vector)
        matches = is_there & ((lexical > 0) | (similarity >= _RELATED)) & _fits(table, wanted)
        score = _LEXICAL_SHARE * lexical + (1 - _LEXICAL_SHARE) * similarity
        scores.append(np.where(matches, score.round(6), np.float32(-1)))
    return _best(tables, scores, start, limit)


def _best(tables: Sequence[MomentTable], scores: Sequence[NDArray[float32]], start: int, limit: int) -> list[Hit]:
    import numpy as np

    end = start + limit
    every = np.concatenate(scores)
    # Those of the last place are all kept: which of them comes first is told by their place in the video.
    last = np.partition(every, len(every) - end)[len(every) - end] if end < len(every) else np.float32(0)
    found = [
        Hit(table, int(row), float(score[row]))
        for table, score in zip(tables, scores, strict=True)
        for row in np.flatnonzero((score >= last) & (score >= 0))
    ]
    found.sort(key=lambda hit: (-hit.score, hit.table.video_at(hit.row).video_id, int(hit.table.start_ms[hit.row])))
    return found[start:end]


def _there(table: MomentTable, upto: int | None) -> NDArray[bool_]:
    import numpy as np

    there = np.ones(len(table), dtype=np.bool_)
    for video in table.videos:
        if upto is not None and video.since > upto:
            there[video.first : video.end] = False
    return there


def _fits(table: MomentTable, wanted: Wanted) -> NDArray[bool_]:
    import numpy as np

    fits = np.ones(len(table), dtype=np.bool_)
    if wanted.kind is not None:
        fits &= table.kinds == wanted.kind.encode()
    if wanted.from_ms is not None:
        fits &= table.end_ms > wanted.from_ms
    if wanted.to_ms is not None:
        fits &= table.start_ms < wanted.to_ms
    if wanted.label is not None:
        labelled = np.zeros(len(table), dtype=np.bool_)
        labelled[table.labels.holding(label_key(wanted.label))[0]] = True
        fits &= labelled
    if wanted.video_ids is not None:
        for video in table.videos:
            if video.video_id not in wanted.video_ids:
                fits[video.first : video.end] = False
    return fits


def _cosines(table: MomentTable, query_vector: NDArray[floating]) -> NDArray[float32]:
    """Cosines in 0..1; what points away is as unrelated as what is orthogonal."""
    import numpy as np

    exact = query_vector.astype(np.float32)
    cosines = np.empty(len(table), dtype=np.float32)
    for first in range(0, len(table), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        cosines[rows] = table.vectors[rows].astype(np.float32) @ exact
    clipped: NDArray[float32] = np.clip(cosines * table.scales, np.float32(0), np.float32(1))
    return clipped


def similarities(vectors: NDArray[floating], query_vector: NDArray[floating]) -> list[float]:
    """Cosines in 0..1 of L2-normalised rows."""
    import numpy as np

    cosines: list[float] = np.clip(vectors.astype(np.float32) @ query_vector.astype(np.float32), 0.0, 1.0).tolist()
    return cosines


def _lexical(query: str, tables: Sequence[MomentTable], there: Sequence[NDArray[bool_]]) -> Iterator[NDArray[float32]]:
    """BM25 as a share (0..1) of what a text could reach that holds every word of the query many times."""
    import numpy as np

    moments = sum(int(mask.sum()) for mask in there)
    spoken = sum(int(table.lengths[mask].sum()) for table, mask in zip(tables, there, strict=True))
    mean_length = spoken / moments if spoken else 1.0
    terms = dict.fromkeys(query_terms(query))
    rarity = {
        term: inverse_frequency(
            sum(int(mask[table.words.holding(term)[0]].sum()) for table, mask in zip(tables, there, strict=True)),
            moments,
        )
        for term in terms
    }
    best = sum(rarity.values()) * (_K1 + 1)
    for table in tables:
        scores = np.zeros(len(table), dtype=np.float64)
        for term in terms:
            rows, counts = table.words.holding(term)
            lengths = table.lengths[rows] / mean_length
            scores[rows] += rarity[term] * counts * (_K1 + 1) / (counts + _K1 * (1 - _B + _B * lengths))
        yield (scores / (best or 1.0)).astype(np.float32)


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
