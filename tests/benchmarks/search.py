"""`python -m tests.benchmarks.search`: searching workspaces of 10, 100 and 1,000 videos, each by a process of its own.

The function behind `GET /v1/workspaces/{workspace_id}/moments` is called as Lambda would, with DynamoDB in moto and
S3 in a folder: what is measured is the function's own work, and moto's, without a network. Three cases: the first
search of a process, which reads the model and the whole index; searches after it; and searches each of which finds
that a video came in since the one before. Times are the processor's, of all threads together, so that what else the
machine does isn't counted; the time on the wall is shown beside them, and what of it went by in DynamoDB and S3.

The baseline is what is done without an index: every text is looked through for the query's words, and every vector
multiplied by the query's, in the same process.

The library is made up: 200 moments a video, of words drawn by Zipf's law whose letters follow each other as those of
Python's manual do, with vectors of random directions. They cost a search what real ones cost. One query in four has a
word with a letter changed. With `--json` one line for each size is printed instead of a table.
"""

import io
import json
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.moment_index import MAX_VIDEOS, from_bytes, to_bytes
from functions.videos.adapters.rows import INDEX, TABLE, IndexRow, TableRow, index_partition
from functions.videos.domain.moment_table import MomentTable, join
from functions.videos.domain.results import Moment, MomentKind
from functions.videos.queries import search_workspace_moments
from shared.cqrs.pipeline import Context
from shared.messaging.projections import FIRST_GENERATION
from tests.support.aws import Aws, stage_in_moto
from tests.support.http import Caller
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, open_workspace

SIZES = (10, 100, 1_000)
MOMENTS_PER_VIDEO = 200
SEARCHES = 100
ARRIVALS = 20
SCANS = 20
MAX_P95_MS = 300.0
VOCABULARY = 30_000
DIMENSIONS = 384
ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@dataclass(frozen=True, slots=True)
class Measured:
    videos: int
    first_ms: float
    median_ms: float
    p95_ms: float
    arrival_p95_ms: float
    wall_p95_ms: float
    calls_p95_ms: float
    """On the wall, in calls of DynamoDB and S3."""
    calls: int
    """To DynamoDB and S3, of a search after the first."""
    scan_median_ms: float
    mebibytes: int
    """Of the whole process at its most, moto included, and the baseline not."""


class Words:
    """Sentences in which the n-th commonest word is n times as rare as the commonest."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        follows = _letters_of_the_manual()
        self._words = [self._word(follows) for _ in range(VOCABULARY)]
        self._weights = list(_running_sum(1 / (rank + 1) for rank in range(VOCABULARY)))

    def sentence(self, words: int) -> str:
        return " ".join(self._random.choices(self._words, cum_weights=self._weights, k=words))

    def query(self, number: int) -> str:
        words = self.sentence(1 + number % 6).split()
        if number % 4 == 0:
            at = self._random.randrange(1, len(words[-1]))
            words[-1] = words[-1][:at] + self._random.choice("aeiou") + words[-1][at + 1 :]
        return " ".join(words)

    def _word(self, follows: Mapping[str, str]) -> str:
        word, length = self._random.choice(follows[" "]), self._random.randint(3, 10)
        while len(word) < length:
            word += self._random.choice(follows[word[-1]])
        return word


def _letters_of_the_manual() -> dict[str, str]:
    """The letters that follow each letter and the space, as often as they do."""
    from pydoc_data.topics import topics

    text = " ".join(re.findall(r"\b[a-z]{3,}\b", " ".join(topics.values())))[:200_000]
    follows: dict[str, list[str]] = {}
    for one, other in pairwise(text):
        if other != " ":
            follows.setdefault(one, []).append(other)
    return {letter: "".join(after) for letter, after in follows.items()}


def _running_sum(values: Iterator[float]) -> Iterator[float]:
    total = 0.0
    for value in values:
        total += value
        yield total


def video(number: int, words: Words, generator: np.random.Generator, since: int) -> MomentTable:
    moments = [
        Moment(
            segment_id=f"speech-{at:04}",
            kind=MomentKind.SPEECH,
            start_ms=at * 3_000,
            end_ms=at * 3_000 + 2_900,
            text=words.sentence(12),
        )
        for at in range(MOMENTS_PER_VIDEO)
    ]
    vectors = generator.standard_normal((MOMENTS_PER_VIDEO, DIMENSIONS), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return MomentTable.of(f"{number:036}", f"{number:036}", moments, vectors, since=since)


def make_library(folder: Path, videos: int, words: Words) -> None:
    """The tables of a workspace; and the last of them again and again, each time with one more video."""
    generator = np.random.default_rng(1)
    table: MomentTable | None = None
    for number, first in enumerate(range(0, videos, MAX_VIDEOS)):
        members = range(first, min(first + MAX_VIDEOS, videos))
        table = join([video(one, words, generator, since=1) for one in members])
        (folder / f"table-{number:06}").write_bytes(to_bytes(table))
    assert table is not None
    for arrival in range(ARRIVALS):
        table = join([table, video(videos + arrival, words, generator, since=arrival + 2)])
        (folder / f"arrival-{arrival:06}").write_bytes(to_bytes(table))


class Folder:
    """What is used of S3, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get_object(self, **request: str) -> dict[str, Any]:
        return {"Body": io.BytesIO((self._folder / request["Key"]).read_bytes())}


def name_tables(aws: Aws, workspace_id: str, version: int, keys: Sequence[str]) -> None:
    now = aws.clock.now()
    context = Context(
        message_id=aws.ids.new(), correlation_id="c", received_at=now, deadline=now + timedelta(seconds=28)
    )
    uow, pk = aws.runtime.begin(context), index_partition(FIRST_GENERATION, workspace_id)
    uow.put(IndexRow(pk=pk, sk=INDEX, version=version, newest=len(keys)))
    for number, key in enumerate(keys):
        uow.put(TableRow(pk=pk, sk=f"{TABLE}{number:06}", key=key, videos=MAX_VIDEOS, moments=0))
    uow.commit()


class TimedCalls:
    """A client whose calls are counted, and the time that goes by in them."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.ms = 0.0
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        operation = getattr(self._client, name)

        def timed(**request: Any) -> Any:
            started = time.perf_counter()
            try:
                return operation(**request)
            finally:
                self.ms += (time.perf_counter() - started) * 1_000
                self.count += 1

        return timed


@dataclass(frozen=True, slots=True)
class Took:
    """Milliseconds of the processor, on the wall, and on the wall in calls."""

    own_ms: float
    wall_ms: float
    calls_ms: float
    calls: int


class Searcher:
    def __init__(self, aws: Aws, workspace: OwnedWorkspace, words: Words) -> None:
        self._clients = [TimedCalls(aws.client(service)) for service in ("dynamodb", "s3")]
        aws.fakes.update(zip(("dynamodb", "s3"), self._clients, strict=True))
        self._caller = Caller(aws.runtime, workspace.owner)
        self._path = f"{workspace.path}/moments"
        self._words = words

    def search(self, number: int) -> Took:
        path = with_query(self._path, q=self._words.query(number))
        for client in self._clients:
            client.ms, client.count = 0.0, 0
        started, wall_started = time.process_time(), time.perf_counter()
        answer = self._caller.send(search_workspace_moments.ENDPOINT, path)
        took, wall = time.process_time() - started, time.perf_counter() - wall_started
        assert answer.status == 200, answer
        calls_ms, calls = sum(one.ms for one in self._clients), sum(one.count for one in self._clients)
        return Took(took * 1_000, wall * 1_000, calls_ms, calls)


class Scan:
    """The moments of tables, without an index."""

    def __init__(self, tables: Sequence[MomentTable]) -> None:
        self._texts = [table.texts[row] for table in tables for row in range(len(table))]
        self._vectors = np.concatenate([table.vectors * table.scales[:, None] for table in tables])

    def search(self, query: str) -> float:
        """Milliseconds of the processor that finding the best twenty takes."""
        started = time.process_time()
        (vector,) = MiniLmEmbedder().embed([query])
        wanted = query.split()
        told = np.array([sum(f" {word} " in text for word in wanted) for text in self._texts], dtype=np.float32)
        scores = told / len(wanted) + self._vectors @ vector
        scores[np.argpartition(scores, -20)[-20:]].sort()
        return (time.process_time() - started) * 1_000


def measure(folder: Path, videos: int) -> Measured:
    keys = sorted(one.name for one in folder.glob("table-*"))
    with stage_in_moto() as aws:
        workspace = open_workspace(aws)
        aws.fakes["s3"] = Folder(folder)
        name_tables(aws, workspace.workspace_id, 1, keys)
        searcher = Searcher(aws, workspace, Words(7))
        first = searcher.search(0)
        warm: list[Took] = []
        for number in range(SEARCHES):
            # Nobody may search as often as this in a minute.
            aws.clock.advance(seconds=5)
            warm.append(searcher.search(number))
        after_arrival: list[float] = []
        for arrival in range(ARRIVALS):
            name_tables(aws, workspace.workspace_id, arrival + 2, [*keys[:-1], f"arrival-{arrival:06}"])
            aws.clock.advance(seconds=5)
            after_arrival.append(searcher.search(arrival).own_ms)
    mebibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    words, scan = Words(7), Scan([from_bytes((folder / key).read_bytes()) for key in keys])
    return Measured(
        videos=videos,
        first_ms=first.own_ms,
        median_ms=statistics.median(one.own_ms for one in warm),
        p95_ms=percentile_95([one.own_ms for one in warm]),
        arrival_p95_ms=percentile_95(after_arrival),
        wall_p95_ms=percentile_95([one.wall_ms for one in warm]),
        calls_p95_ms=percentile_95([one.calls_ms for one in warm]),
        calls=max(one.calls for one in warm),
        scan_median_ms=statistics.median(scan.search(words.query(number)) for number in range(SCANS)),
        mebibytes=mebibytes,
    )


def percentile_95(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def measured(videos: int) -> Measured:
    with tempfile.TemporaryDirectory() as folder:
        make_library(Path(folder), videos, Words(7))
        command = [sys.executable, "-m", "tests.benchmarks.search", folder, str(videos)]
        answer = subprocess.run(command, capture_output=True, text=True, check=True, env=ENVIRONMENT)
    return Measured(**json.loads(answer.stdout.splitlines()[-1]))


def main(*, as_json: bool) -> int:
    memory_mb = search_workspace_moments.ENDPOINT.needs.memory_mb
    if as_json:
        for videos in SIZES:
            print(json.dumps(asdict(measured(videos)) | {"memory_mb": memory_mb}))
        return 0
    print(f"Searching a workspace, {MOMENTS_PER_VIDEO} moments a video; the function has {memory_mb} MiB\n")
    print("videos  first ms  median ms  p95 ms  after an arrival ms  on the wall ms  in calls ms  scan ms  calls  MiB")
    held = True
    for videos in SIZES:
        one = measured(videos)
        print(
            f"{one.videos:6} {one.first_ms:9.0f} {one.median_ms:10.1f} {one.p95_ms:7.1f} {one.arrival_p95_ms:20.1f}"
            f" {one.wall_p95_ms:15.1f} {one.calls_p95_ms:12.1f} {one.scan_median_ms:8.1f}"
            f" {one.calls:6} {one.mebibytes:4}"
        )
        held = held and max(one.p95_ms, one.arrival_p95_ms) <= MAX_P95_MS and one.mebibytes <= memory_mb
    print(f"\nBars: p95 at most {MAX_P95_MS:.0f} ms, memory at most {memory_mb} MiB: {'held' if held else 'MISSED'}")
    return 0 if held else 1


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(asdict(measure(Path(sys.argv[1]), int(sys.argv[2])))))
    else:
        sys.exit(main(as_json="--json" in sys.argv[1:]))
