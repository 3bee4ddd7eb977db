from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.videos.domain.moment_table import digest, label_key
from functions.videos.domain.vocabulary import is_mistaken, is_part
from shared.text.language import FUNCTION_WORDS, Word, inverse_frequency, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import bool_, float32, floating
    from numpy.typing import NDArray

    from functions.videos.domain.moment_table import MomentTable

# Robertson's usual values. Moments are short, so length matters less than in documents, and b is at its low end.
_K1 = 1.2
_B = 0.4

# Equal parts. Over 137 questions on 13 videos searched as one, the mean reciprocal rank of the right moment was 0.96
# (words alone 0.91, meaning alone 0.92, reciprocal rank fusion 0.94), and much the same for any share from 0.2 to 0.8.
_LEXICAL_SHARE = 0.5

# What shares no word with the query has to be at least this close to be called a hit. Of questions and moments of other
# videos 3 to 4 in a hundred are, of questions and the moments that answer them 69 to 84 (204 questions, 18 videos).
_RELATED = 0.25

# Only what is read loses the space between words.
_READ = b"text"
# What a word counts that was perhaps misheard or misread as another one, of the word itself. Any share from 0.5 to 0.9
# does as well (tests/unit/videos/test_retrieval_quality.py, as for the shares of a sentence).
_MISTAKEN = 0.6

# What a moment gets of the score of the one before or after it in its sentence; and that one's neighbour of what it
# got. With more, the neighbours of a good match come before other good matches. A hit it is when that is worth
# mentioning.
_OF_A_SENTENCE = 0.5
_NEIGHBOURS = 2
_LEAST_INHERITED = 0.1

_JOINER = "\u200d"

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
    """A stretch of a moment's text as it was said or shown, "…" where it was cut. It is text and no markup: whoever
    shows it has to escape it, and marks the highlights in a way of their own.
    """

    text: str
    highlights: tuple[tuple[int, int], ...]
    """Start and end (exclusive) in `text` of what matches, in Unicode code points, in order and apart."""


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

    How rare a word is, is counted over all moments that are wanted by video and version, so the same moments score the
    same however they are spread over tables, and nothing else changes a score. `query_vector` is L2-normalised.

    The two scores are fused as a convex combination of absolute values, not by reciprocal ranks: a rank says nothing of
    a video with four moments, where the fourth is fourth however little it has to do with the query. A sentence is
    often spread over moments, so those of one sentence share what each of them scores.
    """
    import numpy as np

    tables = [table for table in tables if len(table)]
    if not tables:
        return []
    there = [_there(table, wanted) for table in tables]
    scores = []
    for table, is_there, lexical in zip(tables, there, _lexical(query, tables, there), strict=True):
        similarity = _cosines(table, query_vector)
        matches = (lexical > 0) | (similarity >= _RELATED)
        score = _LEXICAL_SHARE * lexical + (1 - _LEXICAL_SHARE) * similarity
        inherited = _inherited(table, np.where(matches, score, np.float32(0)))
        found = is_there & (matches | (inherited >= _LEAST_INHERITED)) & _fits(table, wanted)
        total = np.minimum(score + inherited, np.float32(1))
        scores.append(np.where(found, total.round(6), np.float32(-1)))
    return _best(tables, scores, start, limit)


def _inherited(table: MomentTable, score: NDArray[float32]) -> NDArray[float32]:
    """What each moment gets of what others of its sentence score."""
    import numpy as np

    before = table.sentence_goes_on.nonzero()[0]
    after = before + table.sentence_goes_on[before]
    inherited = np.zeros(len(table), dtype=np.float32)
    passed_on = score
    for _ in range(_NEIGHBOURS):
        reached = np.zeros(len(table), dtype=np.float32)
        np.maximum.at(reached, after, np.float32(_OF_A_SENTENCE) * passed_on[before])
        np.maximum.at(reached, before, np.float32(_OF_A_SENTENCE) * passed_on[after])
        inherited = np.maximum(inherited, reached)
        passed_on = reached
    return inherited


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


def _there(table: MomentTable, wanted: Wanted) -> NDArray[bool_]:
    import numpy as np

    there = np.ones(len(table), dtype=np.bool_)
    for video in table.videos:
        is_later = wanted.upto is not None and video.since > wanted.upto
        if is_later or (wanted.video_ids is not None and video.video_id not in wanted.video_ids):
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
        labelled[table.labels.holding(digest(label_key(wanted.label)))[0]] = True
        fits &= labelled
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
    told = {term: [_occurrences(table, term) for table in tables] for term in terms}
    rarity = {
        term: inverse_frequency(
            sum(int(((counts > 0) & mask).sum()) for counts, mask in zip(told[term], there, strict=True)), moments
        )
        for term in terms
    }
    best = sum(rarity.values()) * (_K1 + 1)
    for at, table in enumerate(tables):
        lengths = table.lengths / np.float32(mean_length)
        scores = np.zeros(len(table), dtype=np.float32)
        for term in terms:
            counts = told[term][at]
            rows = counts.nonzero()[0]
            count = counts[rows]
            saturated = count * (_K1 + 1) / (count + _K1 * (1 - _B + _B * lengths[rows]))
            scores[rows] += np.float32(rarity[term]) * saturated
        yield scores / np.float32(best or 1.0)


def _occurrences(table: MomentTable, term: str) -> NDArray[float32]:
    """How often each moment holds a word, or for less what it may have been misheard or misread as."""
    import numpy as np

    found = np.zeros(len(table), dtype=np.float32)
    rows, counts = table.words.holding(digest(term))
    found[rows] = counts
    for other in table.vocabulary.mistaken_for(term):
        rows, counts = table.words.holding(other)
        found[rows] += np.float32(_MISTAKEN) * counts
    for other in table.vocabulary.holding(term):
        rows, counts = table.words.holding(other)
        read = table.kinds[rows] == _READ
        found[rows[read]] += np.float32(_MISTAKEN) * counts[read]
    return found


def query_terms(query: str) -> list[str]:
    """What to look for: the content words, or every word where there are no others ("to be or not to be")."""
    found = words(query)
    return [word.term for word in found if word.term not in FUNCTION_WORDS] or [word.term for word in found]


def snippet(text: str, query: str, width: int = 160) -> Snippet:
    """The stretch of at most `width` characters that holds most different words of the query, cut between words."""
    wanted = set(query_terms(query))
    matches = [word for word in words(text) if _is_told(wanted, word.term)]
    start, end = _stretch(text, matches, width)
    before, after = ("…" if start > 0 else ""), ("…" if end < len(text) else "")
    shift = len(before) - start
    inside = [(word.start + shift, word.end + shift) for word in matches if start <= word.start and word.end <= end]
    return Snippet(before + text[start:end] + after, tuple(_apart(inside)))


def _is_told(wanted: set[str], term: str) -> bool:
    return term in wanted or any(is_mistaken(one, term) or is_part(one, term) for one in wanted)


def _apart(spans: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """The spans, those that overlap (as pairs of characters without spaces between words do) as one."""
    start = end = -1
    for one, other in spans:
        if one < end:
            end = max(end, other)
            continue
        if end > start:
            yield start, end
        start, end = one, other
    if end > start:
        yield start, end


def _stretch(text: str, matches: Sequence[Word], width: int) -> tuple[int, int]:
    if len(text) <= width:
        return 0, len(text)
    best, most = 0, 0
    for first in matches:
        near = [word for word in matches if first.start <= word.start and word.end <= first.start + width]
        different = len({word.term for word in near})
        if different > most:
            best, most = first.start, different
    # Some words of context before the first match, and no empty room behind the end of the text.
    start = min(max(best - width // 5, 0), len(text) - width)
    end = start + width
    last = max((word.end for word in matches if start <= word.start and word.end <= end), default=best)
    # Where there are no spaces, as in Chinese or a long address, it is cut between characters.
    if start > 0:
        space = text.find(" ", start, best)
        start = space + 1 if space >= 0 else _character_start(text, start)
    if end < len(text):
        space = text.rfind(" ", last, end + 1)
        end = space if space >= 0 else _character_start(text, end)
    return start, end


def _character_start(text: str, at: int) -> int:
    """The place itself or the one before it where a character begins that isn't part of the one before it."""
    while at > 0 and (_joins(text[at]) or text[at - 1] == _JOINER):
        at -= 1
    return at


def _joins(character: str) -> bool:
    """Accents, the joiner within an emoji, and what chooses a variant or a skin colour."""
    return unicodedata.category(character) in ("Mn", "Mc", "Me", "Sk") or character == _JOINER
