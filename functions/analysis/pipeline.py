"""From a video file to its results: one decode pass through the analyzers, then the documents."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from pickle import UnpicklingError

from functions.analysis.analyzers import Analyzer, Findings, Watcher
from functions.analysis.checkpoints import Checkpoint, Checkpoints, read_checkpoint
from functions.analysis.decode import CHUNK_MS, Mark, PositionLost, RunUp, Video, VideoInfo
from functions.analysis.devices import usable_cores
from functions.analysis.documents import Contents, Documents, Embedder, ResultStore
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.frames import Frame
from functions.analysis.lanes import Lane
from functions.analysis.marks import Marks, go_on
from functions.analysis.sound import Sound
from functions.analysis.stopwatch import Stopwatch, peak_mebibytes
from functions.videos.domain.results import RESULTS, RESULTS_SCHEMA, Manifest, Work
from shared.observability.logger import log

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

    `report` takes the share done, from 0 to 1. `check` is called often and raises when the work must stop. `resume`
    is told at the beginning of a pass, of which there may be several, what share an earlier attempt spares it.
    """

    report: Callable[[float], None]
    check: Callable[[], None]
    resume: Callable[[float], None] = lambda share: None


@dataclass(frozen=True, slots=True)
class Workplace:
    """Where an analysis leaves what it makes, and who watches it."""

    results: ResultStore
    checkpoints: Checkpoints
    steps: Steps
    stopwatch: Stopwatch
    chunk_ms: int = CHUNK_MS


AnalyzerFactory = Callable[[VideoInfo, ResultStore], Sequence[Analyzer]]


def analyse(
    path: Path,
    subject: Subject,
    make_analyzers: AnalyzerFactory,
    embedder: Embedder,
    workplace: Workplace,
) -> Manifest:
    """Goes on where an earlier attempt came to. Raises `AnalysisFailed` where the video is to blame.

    The manifest is stored last.
    """
    steps, stopwatch = workplace.steps, workplace.stopwatch
    try:
        watched = _watch(path, subject, make_analyzers, workplace)
    except AnalysisFailed:
        workplace.checkpoints.clear()
        raise
    failed = tuple(feature for feature in subject.features if feature in watched.broken)
    if failed == subject.features:
        raise AnalysisFailed(FailureReason.ANALYZER_FAILED, ", ".join(failed))
    done = tuple(feature for feature in subject.features if feature not in failed)
    contents = Contents.of(watched.found, watched.duration_ms, done)
    documents = Documents(workplace.results)
    documents.write_contents(contents, watched.found)

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
        duration_ms=watched.duration_ms,
        width=watched.info.width,
        height=watched.info.height,
        frame_rate=round(watched.info.frame_rate, 3),
        has_audio=watched.info.has_audio,
        models=tuple(model for analyzer in watched.analyzers for model in analyzer.models),
        counts=contents.counts(watched.frames),
        files=(*documents.names, RESULTS, RESULTS_SCHEMA),
        work=Work(
            wall_seconds=round(stopwatch.elapsed, 3),
            peak_mebibytes=peak_mebibytes(),
            cores=usable_cores(),
            seconds={part: round(seconds, 3) for part, seconds in stopwatch.spent.items()},
        ),
    )
    documents.write_manifest(manifest, contents)
    workplace.checkpoints.clear()
    steps.report(1.0)
    return manifest


@dataclass(frozen=True, slots=True)
class _Watched:
    """What the analyzers found, and the features of those that broke down."""

    found: list[Findings]
    broken: frozenset[str]
    analyzers: Sequence[Analyzer]
    info: VideoInfo
    duration_ms: int
    frames: int


def _watch(path: Path, subject: Subject, make_analyzers: AnalyzerFactory, workplace: Workplace) -> _Watched:
    checkpoint = read_checkpoint(workplace.checkpoints)
    if checkpoint is not None:
        # Some decoders find back into the pictures later than others. From the first packet on all do.
        from_the_start = replace(checkpoint, position=replace(checkpoint.position, packet=0))
        for begun in (checkpoint, from_the_start):
            try:
                return _pass(path, subject, make_analyzers, workplace, begun)
            except (PositionLost, UnpicklingError) as error:
                log().warning("the pass can't go on from a checkpoint", extra={"cause": str(error)})
        workplace.checkpoints.clear()
    return _pass(path, subject, make_analyzers, workplace, None)


def _pass(
    path: Path, subject: Subject, make_analyzers: AnalyzerFactory, workplace: Workplace, checkpoint: Checkpoint | None
) -> _Watched:
    steps, stopwatch = workplace.steps, workplace.stopwatch
    position = checkpoint.position if checkpoint else None
    with (
        Video(path, subject.announced_ms, chunk_ms=workplace.chunk_ms, position=position) as video,
        ExitStack() as cleanup,
    ):
        analyzers = make_analyzers(video.info, workplace.results)
        video.is_heard = not all(isinstance(analyzer, Watcher) for analyzer in analyzers)
        lanes = [Lane(analyzer, video.info, stopwatch, steps.check) for analyzer in analyzers]
        for lane in lanes:
            cleanup.callback(lane.close)
        steps.resume(0.0)
        pieces = _decoded(video, steps, stopwatch)
        if checkpoint is not None:
            pieces = _resumed(pieces, lanes, checkpoint, lambda: steps.resume(_DECODED * video.share_read))
        marks = Marks(video, lanes, workplace.checkpoints)
        for piece in pieces:
            if isinstance(piece, Mark):
                marks.pass_through(piece)
            elif not isinstance(piece, RunUp):
                for lane in lanes:
                    lane.feed(piece)
                marks.have_fed(piece)
        found = _finish(lanes, video.duration_ms, steps)
        broken = frozenset(feature for lane in lanes if lane.broken for feature in lane.analyzer.features)
        return _Watched(found, broken, analyzers, video.info, video.duration_ms, video.frames)


def _decoded(video: Video, steps: Steps, stopwatch: Stopwatch) -> Iterator[Frame | Sound | Mark | RunUp]:
    """The pieces of a pass. That one has been dealt with is reported when the next is asked for."""
    pieces = iter(video)
    while True:
        with stopwatch.measure("decode"):
            piece = next(pieces, None)
            if isinstance(piece, Frame):
                # Made here, once, before more than one thread asks for it.
                _ = piece.thumbnail
        if piece is None:
            return
        steps.check()
        yield piece
        steps.report(_DECODED * video.share_read)


def _finish(lanes: Sequence[Lane], duration_ms: int, steps: Steps) -> list[Findings]:
    found: list[Findings] = []

    def report(share: float) -> None:
        steps.check()
        steps.report(_DECODED + (_FOUND - _DECODED) * (len(found) + share) / len(lanes))

    for lane in lanes:
        found.append(lane.finish(duration_ms, report))
        report(0.0)
    return found


def _resumed(
    pieces: Iterator[Frame | Sound | Mark | RunUp],
    lanes: Sequence[Lane],
    checkpoint: Checkpoint,
    begin: Callable[[], None],
) -> Iterator[Frame | Sound | Mark | RunUp]:
    """What follows the mark, once the lanes have their states again with the frames that these hold on to.

    `begin` is called at the first picture, which shows where decoding begins.
    """
    begun = False
    sounds: list[Sound] = []
    again: dict[int, Frame] = {}
    last = checkpoint.position.mark.frames - 1
    for piece in pieces:
        if not begun and isinstance(piece, Frame | RunUp):
            begin()
            begun = True
        if isinstance(piece, Sound):
            sounds.append(piece)
        elif isinstance(piece, Frame):
            if piece.index in checkpoint.frames:
                again[piece.index] = piece
            if piece.index == last:
                go_on(lanes, checkpoint, piece, again)
                yield from sounds
                yield from pieces
                return
    raise PositionLost(f"the video ends before frame {last}")
