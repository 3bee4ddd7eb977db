"""A workspace's index of moments: tables of up to 64 videos in S3, named by rows in the read models.

A table is never changed. A video that comes, goes or is analysed anew gets the table it lies in written anew, under a
key of its own, and the transaction that makes the rows name it raises the index's version. Who decided on an older
version decides anew, so of analyses that complete at the same time none is lost; what that leaves in S3 is removed by
whoever hears that the index changed (`remove-superseded-tables`).

For one video one table is rewritten, not the whole workspace's, and a search reads dozens of objects, not thousands:
these are the two ends between which an index in segments, as Lucene's, has to choose.
"""

import io
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from functions.videos.adapters.results import results_of
from functions.videos.adapters.rows import (
    INDEX,
    INDEXED_VIDEO,
    TABLE,
    IndexedVideoRow,
    IndexRow,
    TableRow,
    index_partition,
)
from functions.videos.domain.moment_table import MomentTable, Postings, Strings, TabledVideo, join
from functions.videos.domain.results import Moment, Timeline
from functions.videos.domain.vocabulary import Vocabulary
from functions.videos.events import MomentIndexChanged
from shared.aws.clients import error_code
from shared.kernel.errors import DependencyUnavailable
from shared.persistence.rows import absent
from shared.persistence.scope import Runtime, WriteScope
from shared.persistence.store import Store

MAX_VIDEOS = 64
MAX_MOMENTS = 20_000
"""A table with as many takes no further video."""

_KEPT_BYTES = 1024 * 1024 * 1024
_PARALLEL_READS = 8
_LOOKS = 3


def tables_prefix(workspace_id: str, number: int) -> str:
    # Videos' results lie below ids, which "index" isn't.
    return f"{workspace_id}/index/v2/{number:06}/"


def _table_key(workspace_id: str, number: int, version: int, video_id: str, analysis_id: str | None) -> str:
    """Whoever writes the same change on the same version writes the same bytes here, and nobody writes others."""
    return f"{tables_prefix(workspace_id, number)}{version:012}-{video_id}-{analysis_id or 'gone'}.npz"


def version_of(key: str) -> int:
    """The version that a table was written for, from its key."""
    return int(key.rsplit("/", 1)[-1].partition("-")[0])


@dataclass(frozen=True, slots=True)
class Index:
    version: int
    tables: Sequence[MomentTable]


class TableGone(DependencyUnavailable):
    """The table was replaced since its row was read."""

    def __init__(self) -> None:
        super().__init__("The index changes faster than it can be read.", retry_after_seconds=1)


class MomentIndex:
    """Reads a workspace's tables, keeping what was read as long as there is room: they never change."""

    def __init__(self, store: Store, s3: Any, bucket: str) -> None:
        self._store = store
        self._s3 = s3
        self._bucket = bucket
        self._kept: OrderedDict[str, MomentTable] = OrderedDict()
        self._kept_bytes = 0

    def read(self, workspace_id: str) -> Index:
        """Raises `TableGone` when tables keep being replaced while they are read."""
        for _ in range(_LOOKS - 1):
            with suppress(TableGone):
                return self._look(workspace_id)
        return self._look(workspace_id)

    def _look(self, workspace_id: str) -> Index:
        row = self._store.get(IndexRow, index_partition(workspace_id), INDEX)
        if row is None:
            return Index(0, ())
        # Read after the version: a table may be newer than it, and tells then which of its videos are.
        keys = [one.key for one in self._store.all(TableRow, index_partition(workspace_id), TABLE)]
        return Index(int(row.version), self._load(keys))

    def _load(self, keys: Sequence[str]) -> list[MomentTable]:
        missing = [key for key in keys if key not in self._kept]
        if missing:
            with ThreadPoolExecutor(_PARALLEL_READS) as pool:
                for key, body in zip(missing, pool.map(self._fetch, missing), strict=True):
                    table = from_bytes(body)
                    self._kept[key] = table
                    self._kept_bytes += table.size_bytes
        for key in keys:
            self._kept.move_to_end(key)
        found = [self._kept[key] for key in keys]
        while self._kept_bytes > _KEPT_BYTES and self._kept:
            self._kept_bytes -= self._kept.popitem(last=False)[1].size_bytes
        return found

    def _fetch(self, key: str) -> bytes:
        return _read_object(self._s3, self._bucket, key)


class MomentIndexWriter:
    """Brings one video into a workspace's index, or out of it, in the scope's transaction."""

    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope
        self._store = scope.store
        self._s3 = scope.runtime.client("s3")
        self._bucket = scope.runtime.settings["RESULTS_BUCKET"]

    def show(self, workspace_id: str, video_id: str, analysis_id: str | None) -> None:
        """Make the index hold the moments of this analysis of the video, and of no other; `None` for none."""
        partition = index_partition(workspace_id)
        indexed = self._store.get(IndexedVideoRow, partition, INDEXED_VIDEO + video_id)
        if (indexed.analysis_id if indexed else None) == analysis_id:
            return
        index = self._store.get(IndexRow, partition, INDEX)
        version, newest = (int(index.version), int(index.newest)) if index else (0, 0)
        number = int(indexed.number) if indexed else self._number_for_another(partition, newest)
        row = self._store.get(TableRow, partition, _table_sk(number))
        table = self._read(row.key).without(video_id) if row else None
        if analysis_id is not None:
            added = table_of(self._scope.runtime, workspace_id, video_id, analysis_id, since=version + 1)
            table = join([table, added]) if table else added
        self._write(workspace_id, number, version + 1, table, (video_id, analysis_id))
        if analysis_id is None:
            self._scope.uow.delete(IndexedVideoRow, partition, INDEXED_VIDEO + video_id)
        else:
            self._scope.uow.put(
                IndexedVideoRow(pk=partition, sk=INDEXED_VIDEO + video_id, number=number, analysis_id=analysis_id)
            )
        self._scope.uow.put(
            IndexRow(pk=partition, sk=INDEX, version=version + 1, newest=max(newest, number)),
            condition=(IndexRow.version == version) if index else absent(),
        )
        self._scope.uow.record(
            MomentIndexChanged(workspace_id=workspace_id, video_id=video_id, analysis_id=analysis_id, table=number),
            workspace_id,
            version + 1,
        )

    def _number_for_another(self, partition: str, newest: int) -> int:
        row = self._store.get(TableRow, partition, _table_sk(newest))
        has_room = row is not None and row.videos < MAX_VIDEOS and row.moments < MAX_MOMENTS
        return newest if has_room else newest + 1

    def _write(
        self,
        workspace_id: str,
        number: int,
        version: int,
        table: MomentTable | None,
        change: tuple[str, str | None],
    ) -> None:
        partition = index_partition(workspace_id)
        if table is None:
            self._scope.uow.delete(TableRow, partition, _table_sk(number))
            return
        key = _table_key(workspace_id, number, version, *change)
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=to_bytes(table))
        self._scope.uow.put(
            TableRow(pk=partition, sk=_table_sk(number), key=key, videos=len(table.videos), moments=len(table))
        )

    def _read(self, key: str) -> MomentTable:
        return from_bytes(_read_object(self._s3, self._bucket, key))


def table_of(runtime: Runtime, workspace_id: str, video_id: str, analysis_id: str, *, since: int = 0) -> MomentTable:
    """The table of one video's moments, from the results of its analysis."""
    results = results_of(runtime, workspace_id, video_id, analysis_id)
    moments = results.moments
    labels = _labels(moments, results.timeline)
    return MomentTable.of(video_id, analysis_id, moments, results.vectors, labels=labels, since=since)


@lru_cache(maxsize=1)
def moment_index(runtime: Runtime) -> MomentIndex:
    """The index reader of a process."""
    return MomentIndex(runtime.store, runtime.client("s3"), runtime.settings["RESULTS_BUCKET"])


def read_table_key(store: Store, workspace_id: str, number: int) -> str | None:
    """The key of a table as it is now, `None` when no video is in it any more."""
    row = store.get(TableRow, index_partition(workspace_id), _table_sk(number))
    return row.key if row else None


def _table_sk(number: int) -> str:
    return f"{TABLE}{number:06}"


def _labels(moments: Sequence[Moment], timeline: Timeline) -> list[list[str]]:
    """What is seen in the shots that each moment lies in."""
    return [
        [
            label
            for shot in timeline.shots
            if shot.start_ms < moment.end_ms and shot.end_ms > moment.start_ms
            for label in shot.labels
        ]
        for moment in moments
    ]


def _read_object(s3: Any, bucket: str, key: str) -> bytes:
    from botocore.exceptions import ClientError

    try:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError as error:
        if error_code(error) == "NoSuchKey":
            raise TableGone from error
        raise
    return body


def to_bytes(table: MomentTable) -> bytes:
    import numpy as np

    body = io.BytesIO()
    videos = [(one.video_id, one.analysis_id) for one in table.videos]
    np.savez(
        body,
        videos=np.array(videos, dtype="S36").reshape(-1, 2),
        places=np.array([(one.since, one.first, one.end) for one in table.videos], dtype=np.int64),
        segment_ids=np.frombuffer(table.segment_ids.utf8, dtype=np.uint8),
        segment_id_ends=table.segment_ids.ends,
        kinds=table.kinds,
        start_ms=table.start_ms,
        end_ms=table.end_ms,
        texts=np.frombuffer(table.texts.utf8, dtype=np.uint8),
        text_ends=table.texts.ends,
        lengths=table.lengths,
        vectors=table.vectors,
        scales=table.scales,
        word_digests=table.words.digests,
        word_rows=table.words.rows,
        word_counts=table.words.counts,
        vocabulary_digests=table.vocabulary.digests,
        vocabulary_terms=table.vocabulary.terms,
        vocabulary_signatures=table.vocabulary.signatures,
        label_digests=table.labels.digests,
        label_rows=table.labels.rows,
        label_counts=table.labels.counts,
        sentence_goes_on=table.sentence_goes_on,
    )
    return body.getvalue()


def from_bytes(body: bytes) -> MomentTable:
    import numpy as np

    with np.load(io.BytesIO(body), allow_pickle=False) as stored:
        return MomentTable(
            videos=tuple(
                TabledVideo(video_id.decode(), analysis_id.decode(), int(since), int(first), int(end))
                for (video_id, analysis_id), (since, first, end) in zip(stored["videos"], stored["places"], strict=True)
            ),
            segment_ids=Strings(stored["segment_ids"].tobytes(), stored["segment_id_ends"]),
            kinds=stored["kinds"],
            start_ms=stored["start_ms"],
            end_ms=stored["end_ms"],
            texts=Strings(stored["texts"].tobytes(), stored["text_ends"]),
            lengths=stored["lengths"],
            vectors=stored["vectors"],
            scales=stored["scales"],
            words=Postings(stored["word_digests"], stored["word_rows"], stored["word_counts"]),
            vocabulary=Vocabulary(
                stored["vocabulary_digests"], stored["vocabulary_terms"], stored["vocabulary_signatures"]
            ),
            labels=Postings(stored["label_digests"], stored["label_rows"], stored["label_counts"]),
            sentence_goes_on=stored["sentence_goes_on"],
        )
