"""Moments of one or many videos as columns: what a search scans, and what is kept of it between searches.

Vectors are kept in 8 bits with a scale for each, a quarter of the memory for a cosine that differs by less than 0.01.
Words are kept as 64-bit digests in an inverted index (posting list) sorted by digest, so that tables are joined and
split without knowing the words; the words themselves are kept once, for finding those like them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, Protocol, TypeVar

from functions.videos.domain.vocabulary import Vocabulary
from shared.text.language import fold, words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy import bytes_, float32, floating, generic, int8, integer, uint32, uint64
    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound="generic")

_SENTENCE_END = re.compile(r"[.!…。！]\W*$")
_SPEECH = "speech"
_BREATH_MS = 1_500
"""Who is silent for longer has ended a sentence."""
_OVERLAP_MS = 200
"""By which segments of one voice overlap at most."""


class SearchableMoment(Protocol):
    @property
    def segment_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def start_ms(self) -> int: ...
    @property
    def end_ms(self) -> int: ...
    @property
    def text(self) -> str: ...


@dataclass(frozen=True, slots=True)
class TabledVideo:
    """A video whose moments are the rows `first` to `end` (exclusive) of a table.

    `since` is the version of the workspace's index that it came in with.
    """

    video_id: str
    analysis_id: str
    since: int
    first: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Strings:
    """Texts in one piece of UTF-8; `ends` are where each of them ends."""

    utf8: bytes
    ends: NDArray[uint32]

    @classmethod
    def of(cls, texts: Iterable[str]) -> Strings:
        import numpy as np

        encoded = [text.encode() for text in texts]
        return cls(b"".join(encoded), np.array(list(accumulate(map(len, encoded))), dtype=np.uint32))

    def __getitem__(self, index: int) -> str:
        start = int(self.ends[index - 1]) if index else 0
        return self.utf8[start : int(self.ends[index])].decode()

    def slice(self, first: int, end: int) -> Strings:
        start = int(self.ends[first - 1]) if first else 0
        stop = int(self.ends[end - 1]) if end else 0
        return Strings(self.utf8[start : max(start, stop)], self.ends[first:end] - start)

    @staticmethod
    def join(parts: Sequence[Strings]) -> Strings:
        import numpy as np

        starts = accumulate((len(part.utf8) for part in parts[:-1]), initial=0)
        ends = [part.ends + np.uint32(start) for part, start in zip(parts, starts, strict=True)]
        return Strings(b"".join(part.utf8 for part in parts), np.concatenate(ends))


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """Which rows hold what, and how often, sorted by the digest of what they hold."""

    digests: NDArray[uint64]
    rows: NDArray[uint32]
    counts: NDArray[uint32]

    @classmethod
    def of(cls, held: Iterable[Counter[str]]) -> Postings:
        import numpy as np

        found = [(digest(what), row, count) for row, counted in enumerate(held) for what, count in counted.items()]
        return cls(
            np.array([one[0] for one in found], dtype=np.uint64),
            np.array([one[1] for one in found], dtype=np.uint32),
            np.array([one[2] for one in found], dtype=np.uint32),
        ).sorted()

    def sorted(self) -> Postings:
        return self._pick(self.digests.argsort(kind="stable"))

    def holding(self, wanted: uint64) -> tuple[NDArray[uint32], NDArray[uint32]]:
        """The rows that hold what has this digest, each once, and how often."""
        span = slice(
            int(self.digests.searchsorted(wanted, side="left")), int(self.digests.searchsorted(wanted, side="right"))
        )
        return self.rows[span], self.counts[span]

    def slice(self, first: int, end: int) -> Postings:
        import numpy as np

        picked = self._pick(((self.rows >= first) & (self.rows < end)).nonzero()[0])
        return Postings(picked.digests, picked.rows - np.uint32(first), picked.counts)

    def _pick(self, places: NDArray[integer]) -> Postings:
        return Postings(self.digests[places], self.rows[places], self.counts[places])

    @staticmethod
    def join(parts: Sequence[Postings], firsts: Sequence[int]) -> Postings:
        """`firsts` are the rows that the first row of each part becomes."""
        import numpy as np

        rows = [part.rows + np.uint32(first) for part, first in zip(parts, firsts, strict=True)]
        return Postings(
            np.concatenate([part.digests for part in parts]),
            np.concatenate(rows),
            np.concatenate([part.counts for part in parts]),
        ).sorted()


@dataclass(frozen=True, slots=True, eq=False)
class MomentTable:
    videos: tuple[TabledVideo, ...]
    segment_ids: Strings
    kinds: NDArray[bytes_]
    start_ms: NDArray[uint32]
    end_ms: NDArray[uint32]
    texts: Strings
    lengths: NDArray[uint32]
    """Words of each moment."""
    vectors: NDArray[int8]
    scales: NDArray[float32]
    """What a row of `vectors` is multiplied by to be the L2-normalised embedding again."""
    words: Postings
    vocabulary: Vocabulary
    labels: Postings
    """What is seen in the shots that a moment lies in."""
    sentence_goes_on: NDArray[uint32]
    """How many rows further on the sentence of a moment goes on, or the question of one is answered; else 0."""

    def __len__(self) -> int:
        return len(self.kinds)

    @property
    def size_bytes(self) -> int:
        arrays = (
            self.kinds,
            self.start_ms,
            self.end_ms,
            self.lengths,
            self.vectors,
            self.scales,
            self.sentence_goes_on,
        )
        postings = (array for one in (self.words, self.labels) for array in (one.digests, one.rows, one.counts))
        strings = len(self.segment_ids.utf8) + len(self.texts.utf8) + 2 * self.segment_ids.ends.nbytes
        return strings + self.vocabulary.size_bytes + sum(array.nbytes for array in chain(arrays, postings))

    @classmethod
    def of(
        cls,
        video_id: str,
        analysis_id: str,
        moments: Sequence[SearchableMoment],
        vectors: NDArray[floating],
        *,
        labels: Sequence[Sequence[str]] | None = None,
        since: int = 0,
    ) -> MomentTable:
        """The moments of one video. Row i of `vectors` (L2-normalised) and of `labels` belongs to moment i."""
        import numpy as np

        if len(moments) != len(vectors):
            raise ValueError(f"{len(moments)} moments have {len(vectors)} vectors")
        counted = [Counter(word.term for word in words(moment.text)) for moment in moments]
        quantised, scales = _quantised(vectors)
        return cls(
            videos=(TabledVideo(video_id, analysis_id, since, 0, len(moments)),),
            segment_ids=Strings.of(moment.segment_id for moment in moments),
            kinds=np.array([moment.kind.encode() for moment in moments], dtype="S16"),
            start_ms=np.array([moment.start_ms for moment in moments], dtype=np.uint32),
            end_ms=np.array([moment.end_ms for moment in moments], dtype=np.uint32),
            texts=Strings.of(moment.text for moment in moments),
            lengths=np.array([count.total() for count in counted], dtype=np.uint32),
            vectors=quantised,
            scales=scales,
            words=Postings.of(counted),
            vocabulary=Vocabulary.of((digest(term), term) for count in counted for term in count),
            labels=Postings.of(Counter({label_key(one): 1 for one in of}) for of in labels or ()),
            sentence_goes_on=_sentences(moments),
        )

    def video_at(self, row: int) -> TabledVideo:
        return next(video for video in self.videos if video.first <= row < video.end)

    def without(self, video_id: str) -> MomentTable | None:
        """The table of the other videos, `None` when there are none."""
        parts = [self._slice(video) for video in self.videos if video.video_id != video_id]
        return join(parts) if parts else None

    def _slice(self, video: TabledVideo) -> MomentTable:
        first, end = video.first, video.end
        spoken = self.words.slice(first, end)
        return MomentTable(
            videos=(TabledVideo(video.video_id, video.analysis_id, video.since, 0, end - first),),
            segment_ids=self.segment_ids.slice(first, end),
            kinds=self.kinds[first:end],
            start_ms=self.start_ms[first:end],
            end_ms=self.end_ms[first:end],
            texts=self.texts.slice(first, end),
            lengths=self.lengths[first:end],
            vectors=self.vectors[first:end],
            scales=self.scales[first:end],
            words=spoken,
            vocabulary=self.vocabulary.only(spoken.digests),
            labels=self.labels.slice(first, end),
            sentence_goes_on=self.sentence_goes_on[first:end],
        )


def join(tables: Sequence[MomentTable]) -> MomentTable:
    """One table of all their videos. A video must not be in two of them."""
    import numpy as np

    firsts = list(accumulate((len(table) for table in tables[:-1]), initial=0))

    def column(read: Callable[[MomentTable], NDArray[_Scalar]]) -> NDArray[_Scalar]:
        # Without moments there are no dimensions either, and nothing to add.
        told = [read(table) for table in tables if len(table)] or [read(tables[0])]
        return np.concatenate(told)

    return MomentTable(
        videos=tuple(
            TabledVideo(video.video_id, video.analysis_id, video.since, first + video.first, first + video.end)
            for table, first in zip(tables, firsts, strict=True)
            for video in table.videos
        ),
        segment_ids=Strings.join([table.segment_ids for table in tables]),
        kinds=column(lambda table: table.kinds),
        start_ms=column(lambda table: table.start_ms),
        end_ms=column(lambda table: table.end_ms),
        texts=Strings.join([table.texts for table in tables]),
        lengths=column(lambda table: table.lengths),
        vectors=column(lambda table: table.vectors),
        scales=column(lambda table: table.scales),
        words=Postings.join([table.words for table in tables], firsts),
        vocabulary=Vocabulary.join([table.vocabulary for table in tables]),
        labels=Postings.join([table.labels for table in tables], firsts),
        sentence_goes_on=column(lambda table: table.sentence_goes_on),
    )


def label_key(label: str) -> str:
    return fold(label).strip()


@lru_cache(maxsize=65_536)
def digest(text: str) -> uint64:
    import numpy as np

    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def _sentences(moments: Sequence[SearchableMoment]) -> NDArray[uint32]:
    """Recognisers end a segment where they must, not where a sentence ends."""
    import numpy as np

    goes_on = np.zeros(len(moments), dtype=np.uint32)
    spoken = [row for row, moment in enumerate(moments) if moment.kind == _SPEECH]
    for row, following in pairwise(spoken):
        is_ended = _SENTENCE_END.search(moments[row].text) is not None
        silence_ms = moments[following].start_ms - moments[row].end_ms
        if not is_ended and -_OVERLAP_MS <= silence_ms < _BREATH_MS:
            goes_on[row] = following - row
    return goes_on


def _quantised(vectors: NDArray[floating]) -> tuple[NDArray[int8], NDArray[float32]]:
    import numpy as np

    exact = vectors.astype(np.float32)
    if not exact.size:
        return np.zeros(exact.shape, dtype=np.int8), np.zeros(len(exact), dtype=np.float32)
    scales = np.maximum(np.abs(exact).max(axis=1), np.float32(1e-12)) / np.float32(127)
    return np.rint(exact / scales[:, None]).astype(np.int8), scales
