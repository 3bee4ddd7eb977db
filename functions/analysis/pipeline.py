"""From a video file to its results: one decode pass through the analyzers, then the documents."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from functions.analysis.analyzers import Analyzer, Findings
from functions.analysis.decode import Frame, Sound, Video, VideoInfo
from functions.analysis.documents import Contents, Documents, Embedder, ResultStore
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.lanes import Lane
from functions.analysis.models import usable_cores
from functions.analysis.stopwatch import Stopwatch, peak_mebibytes
from functions.videos.domain.results import RESULTS, RESULTS_SCHEMA, Manifest, Work

# The shares of an analysis that end with the decode pass, with the analyzers' last findings and with embedding.
_DECODED = 0.9
_FOUND = 0.95
_EMBEDDED = 0.99


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose video it is, and what was asked about it."""

    workspace_id: str
    video_id: str
    analysis_id: str
    features: tuple[str, ...]
    mode: str
    announced_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Steps:
    """What the surroundings want to know or say meanwhile.

    `report` takes the share done, from 0 to 1. `check` is called often and raises when the work must stop.
    """

    report: Callable[[float], None]
    check: Callable[[], None]


def analyse(
    path: Path,
    subject: Subject,
    make_analyzers: Callable[[VideoInfo, ResultStore], Sequence[Analyzer]],
    embedder: Embedder,
    results: ResultStore,
    steps: Steps,
    stopwatch: Stopwatch,
) -> Manifest:
    """Raises `AnalysisFailed` where the video is to blame. The manifest is stored last."""
    with Video(path, subject.announced_ms) as video:
        analyzers = make_analyzers(video.info, results)
        found, broken = _watch(video, analyzers, steps, stopwatch)
    failed = tuple(feature for feature in subject.features if feature in broken)
    if failed == subject.features:
        raise AnalysisFailed(FailureReason.ANALYZER_FAILED, ", ".join(failed))
    done = tuple(feature for feature in subject.features if feature not in failed)
    contents = Contents.of(found, video.duration_ms, done)
    documents = Documents(results)
    documents.write_contents(contents, found)

    def embedded(share: float) -> None:
        steps.check()
        steps.report(_FOUND + (_EMBEDDED - _FOUND) * share)

    with stopwatch.measure("embedding"):
        documents.write_vectors(contents.moments.moments, embedder, embedded)
    manifest = Manifest(
        workspace_id=subject.workspace_id,
        video_id=subject.video_id,
        analysis_id=subject.analysis_id,
        features=done,
        failed_features=failed,
        mode=subject.mode,
        duration_ms=video.duration_ms,
        width=video.info.width,
        height=video.info.height,
        frame_rate=round(video.info.frame_rate, 3),
        has_audio=video.info.has_audio,
        models=tuple(model for analyzer in analyzers for model in analyzer.models),
        counts=contents.counts(video.frames),
        files=(*documents.names, RESULTS, RESULTS_SCHEMA),
        work=Work(
            wall_seconds=round(stopwatch.elapsed, 3),
            peak_mebibytes=peak_mebibytes(),
            cores=usable_cores(),
            seconds={part: round(seconds, 3) for part, seconds in stopwatch.spent.items()},
        ),
    )
    documents.write_manifest(manifest, contents)
    steps.report(1.0)
    return manifest


def _watch(
    video: Video, analyzers: Sequence[Analyzer], steps: Steps, stopwatch: Stopwatch
) -> tuple[list[Findings], frozenset[str]]:
    """What the analyzers found, and the names of those that broke down."""
    with ExitStack() as cleanup:
        lanes = [Lane(analyzer, video.info, stopwatch, steps.check) for analyzer in analyzers]
        for lane in lanes:
            cleanup.callback(lane.close)
        for piece in _timed(video, stopwatch):
            steps.check()
            if isinstance(piece, Frame):
                # Made here, once, before more than one thread asks for it.
                with stopwatch.measure("decode"):
                    _ = piece.thumbnail
            for lane in lanes:
                lane.feed(piece)
            steps.report(_DECODED * video.share_read)
        found: list[Findings] = []
        for done, lane in enumerate(lanes, start=1):
            found.append(lane.finish(video.duration_ms))
            steps.check()
            steps.report(_DECODED + (_FOUND - _DECODED) * done / len(lanes))
        return found, frozenset(lane.analyzer.name for lane in lanes if lane.broken)


def _timed(video: Video, stopwatch: Stopwatch) -> Iterator[Frame | Sound]:
    pieces = iter(video)
    while True:
        with stopwatch.measure("decode"):
            piece = next(pieces, None)
        if piece is None:
            return
        yield piece
