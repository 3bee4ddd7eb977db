"""A workspace's index of moments: tables of up to 64 videos in S3, named by rows in the read models.

A table is never changed. A video that comes, goes or is analysed anew gets the table it lies in written anew, under a
key of its own, and the transaction that makes the rows name it raises the index's version. Who decided on an older
version decides anew, so of analyses that complete at the same time none is lost; what that leaves in S3 is removed by
whoever hears that the index changed (`remove-superseded-tables`).

For one video one table is rewritten, not the whole workspace's, and a search reads dozens of objects, not thousands:
these are the two ends between which an index in segments, as Lucene's, has to choose.

It is a read model as the others are: rows and objects lie under the name of a generation, and a rebuild makes another
one from the event log, beside the one that is searched (`shared.messaging.rebuild`).
"""

import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from functions.videos.adapters.results import results_of
from functions.videos.adapters.rows import (
    INDEX,
    INDEXED_VIDEO,
    MOMENTS,
    TABLE,
    IndexedVideoRow,
    IndexRow,
    TableRow,
    index_partition,
    indexed_workspace,
)
from functions.videos.adapters.videos import read_video
from functions.videos.domain.moment_table import MomentTable, Postings, Strings, TabledVideo, join
from functions.videos.domain.results import Moment, Timeline
from functions.videos.domain.vocabulary import Vocabulary
from functions.videos.events import MomentIndexChanged, VideoChanged
from shared.aws.clients import error_code
from shared.kernel.errors import DependencyUnavailable
from shared.messaging.projections import Fact, read_generations
from shared.persistence.rows import absent
from shared.persistence.scope import Runtime
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork

MAX_VIDEOS = 64
MAX_MOMENTS = 20_000
"""A table with as many takes no further video."""

_KEPT_BYTES = 1024 * 1024 * 1024
_PARALLEL_READS = 8
_LOOKS = 3


def generation_of_tables(workspace_id: str, generation: str) -> str:
    """What the keys of all of a workspace's tables of a generation begin with."""
    # Videos' results lie below ids, which "index" isn't.
    return f"{workspace_id}/index/v2/{generation}/"


def tables_prefix(workspace_id: str, generation: str, number: int) -> str:
    return f"{generation_of_tables(workspace_id, generation)}{number:06}/"


def version_of(key: str) -> int:
    """The version that a table was written for, from its key."""
    return int(key.rsplit("/", 1)[-1].partition("-")[0])


@dataclass(frozen=True, slots=True)
class Index:
    """What is searched: the tables of a generation of the index, at a version of it."""

    generation: str
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
        generation = read_generations(self._store, MOMENTS).current
        partition = index_partition(generation, workspace_id)
        row = self._store.get(IndexRow, partition, INDEX)
        if row is None:
            return Index(generation, 0, ())
        # Read after the version: a table may be newer than it, and tells then which of its videos are.
        keys = [one.key for one in self._store.all(TableRow, partition, TABLE)]
        return Index(generation, int(row.version), self._load(keys))

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


@dataclass(frozen=True, slots=True)
class ShownVideo:
    """What the index is to show of a video: its state at `version`, of which an event told at `occurred_at`."""

    video_id: str
    analysis_id: str | None
    version: int
    occurred_at: str


class MomentIndexWriter:
    """Brings one video into a generation of a workspace's index, or out of it, in one transaction."""

    def __init__(self, runtime: Runtime, uow: UnitOfWork, generation: str, workspace_id: str) -> None:
        self._runtime = runtime
        self._uow = uow
        self._s3 = runtime.client("s3")
        self._bucket = runtime.settings["RESULTS_BUCKET"]
        self._generation = generation
        self._workspace_id = workspace_id
        self._partition = index_partition(generation, workspace_id)

    def show(self, video: ShownVideo) -> bool:
        """Make the index hold the moments of the video's analysis, and of no other; whether there was anything to do.

        What it knows of the video by a later version stays, whoever comes first.
        """
        indexed = self._uow.store.get(IndexedVideoRow, self._partition, INDEXED_VIDEO + video.video_id)
        if indexed is not None and indexed.version >= video.version:
            return False
        shown = indexed.analysis_id if indexed else None
        number = int(indexed.number) if indexed and indexed.number is not None else None
        if shown != video.analysis_id:
            number = self._change(video, number)
        row = IndexedVideoRow(
            pk=self._partition,
            sk=INDEXED_VIDEO + video.video_id,
            version=video.version,
            occurred_at=video.occurred_at,
            number=number,
            analysis_id=video.analysis_id,
        )
        self._uow.put(row, condition=absent() | (IndexedVideoRow.version < video.version))
        return True

    def _change(self, video: ShownVideo, number: int | None) -> int | None:
        """Write the table of a video anew; returns the table's number, `None` when the video is in none any more."""
        index = self._uow.store.get(IndexRow, self._partition, INDEX)
        version, newest = (int(index.version), int(index.newest)) if index else (0, 0)
        if number is None:
            number = self._number_for_another(newest)
        row = self._uow.store.get(TableRow, self._partition, _table_sk(number))
        table = from_bytes(_read_object(self._s3, self._bucket, row.key)).without(video.video_id) if row else None
        if video.analysis_id is not None:
            added = table_of(self._runtime, self._workspace_id, video.video_id, video.analysis_id, since=version + 1)
            table = join([table, added]) if table else added
        self._write(number, version + 1, table, video)
        self._uow.put(
            IndexRow(pk=self._partition, sk=INDEX, version=version + 1, newest=max(newest, number)),
            condition=(IndexRow.version == version) if index else absent(),
        )
        changed = MomentIndexChanged(
            workspace_id=self._workspace_id,
            video_id=video.video_id,
            analysis_id=video.analysis_id,
            table=number,
            generation=self._generation,
        )
        self._uow.record(changed, f"{self._workspace_id}:{self._generation}", version + 1)
        return number if video.analysis_id else None

    def _number_for_another(self, newest: int) -> int:
        row = self._uow.store.get(TableRow, self._partition, _table_sk(newest))
        has_room = row is not None and row.videos < MAX_VIDEOS and row.moments < MAX_MOMENTS
        return newest if has_room else newest + 1

    def _write(self, number: int, version: int, table: MomentTable | None, video: ShownVideo) -> None:
        if table is None:
            self._uow.delete(TableRow, self._partition, _table_sk(number))
            return
        # Whoever writes the same change on the same version writes the same bytes here, and nobody writes others.
        prefix = tables_prefix(self._workspace_id, self._generation, number)
        key = f"{prefix}{version:012}-{video.video_id}-{video.analysis_id or 'gone'}.npz"
        self._s3.put_object(Bucket=self._bucket, Key=key, Body=to_bytes(table))
        self._uow.put(
            TableRow(pk=self._partition, sk=_table_sk(number), key=key, videos=len(table.videos), moments=len(table))
        )


class MomentIndexProjection:
    """The index as a projection: of each video it shows the current analysis, and nothing of one that is gone.

    An event only tells which video to look at. So it doesn't matter in which order events arrive, and a rebuild from
    the log never brings back what isn't there any more.
    """

    name = MOMENTS
    event = VideoChanged

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def apply(self, uow: UnitOfWork, generation: str, fact: Fact[VideoChanged]) -> bool:
        workspace_id, video_id = fact.event.workspace_id, fact.event.video_id
        video = read_video(uow.store, workspace_id, video_id)
        analysis_id, version = (video.current_analysis_id, video.version) if video else (None, fact.version)
        shown = ShownVideo(video_id, analysis_id, version, fact.occurred_at)
        return MomentIndexWriter(self._runtime, uow, generation, workspace_id).show(shown)

    def unexplained(self, store: Store, row: Mapping[str, Any], current: str, building: str) -> str | None:
        if not row["sk"]["S"].startswith(INDEXED_VIDEO):
            # Tables are right when the videos in them are.
            return None
        shown = IndexedVideoRow.from_raw_data(dict(row))
        rebuilt = store.get(IndexedVideoRow, index_partition(building, indexed_workspace(shown.pk)), shown.sk)
        occurred_at: str = shown.occurred_at
        return occurred_at if rebuilt is None or rebuilt.version < shown.version else None

    def discard(self, generation: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Remove the tables of all workspaces that the rows are about, named by rows or not."""
        s3, bucket = self._runtime.client("s3"), self._runtime.settings["RESULTS_BUCKET"]
        for workspace_id in sorted({indexed_workspace(row["pk"]["S"]) for row in rows}):
            for key in list_objects(s3, bucket, generation_of_tables(workspace_id, generation)):
                s3.delete_object(Bucket=bucket, Key=key)


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


def read_table_key(store: Store, workspace_id: str, generation: str, number: int) -> str | None:
    """The key of a table as it is now, `None` when no video is in it any more."""
    row = store.get(TableRow, index_partition(generation, workspace_id), _table_sk(number))
    return row.key if row else None


def list_objects(s3: Any, bucket: str, prefix: str) -> list[str]:
    """The keys of all objects below a prefix."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [one["Key"] for page in pages for one in page.get("Contents", ())]


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
