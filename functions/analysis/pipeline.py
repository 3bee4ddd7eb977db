"""From a video file to its results: one decode pass through the analyzers, then the documents."""

import io
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from functions.analysis.analyzers import Analyzer, Findings
from functions.analysis.decode import Frame, Sound, Video, VideoInfo
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.lanes import Lane
from functions.analysis.models import usable_cores
from functions.analysis.stopwatch import Stopwatch, peak_mebibytes
from functions.videos.domain.results import (
    MANIFEST,
    MOMENT_VECTORS,
    MOMENTS,
    TEXTS,
    TIMELINE,
    TRANSCRIPT,
    Counts,
    Manifest,
    Moment,
    MomentKind,
    Moments,
    ScreenText,
    Shot,
    SpeechSegment,
    Texts,
    Timeline,
    Transcript,
    Work,
)

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

# The shares of an analysis that end with the decode pass and with the analyzers' last findings; embedding is the rest.
_DECODED = 0.9
_FOUND = 0.95

_EMBEDDED_AT_ONCE = 64


class ResultStore(Protocol):
    def put(self, name: str, body: bytes, content_type: str) -> None: ...


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> "NDArray[float32]":
        """One L2-normalised row of 384 per text."""
        ...


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

    texts = tuple(text for findings in found for text in findings.texts)
    speech = tuple(segment for findings in found for segment in findings.speech)
    shots = _with_contents(tuple(shot for findings in found for shot in findings.shots), texts, speech)
    moments = _moments(texts, speech)
    files = [shot.keyframe for shot in shots if shot.keyframe is not None]

    def write(name: str, document: BaseModel) -> None:
        results.put(name, document.model_dump_json().encode(), "application/json")
        files.append(name)

    write(TIMELINE, Timeline(duration_ms=video.duration_ms, shots=shots))
    if "text" in subject.features and "text" not in failed:
        write(TEXTS, Texts(texts=texts))
    if "speech" in subject.features and "speech" not in failed:
        write(TRANSCRIPT, Transcript(segments=speech))
    write(MOMENTS, Moments(moments=moments))
    with stopwatch.measure("embedding"):
        results.put(MOMENT_VECTORS, _vectors(moments, embedder, steps), "application/octet-stream")
    files.append(MOMENT_VECTORS)
    manifest = Manifest(
        workspace_id=subject.workspace_id,
        video_id=subject.video_id,
        analysis_id=subject.analysis_id,
        features=tuple(feature for feature in subject.features if feature not in failed),
        failed_features=failed,
        mode=subject.mode,
        duration_ms=video.duration_ms,
        width=video.info.width,
        height=video.info.height,
        frame_rate=round(video.info.frame_rate, 3),
        has_audio=video.info.has_audio,
        models=tuple(model for analyzer in analyzers for model in analyzer.models),
        counts=Counts(
            frames=video.frames, shots=len(shots), texts=len(texts), speech=len(speech), moments=len(moments)
        ),
        files=tuple(files),
        work=Work(
            wall_seconds=round(stopwatch.elapsed, 3),
            peak_mebibytes=peak_mebibytes(),
            cores=usable_cores(),
            seconds={part: round(seconds, 3) for part, seconds in stopwatch.spent.items()},
        ),
    )
    results.put(MANIFEST, manifest.model_dump_json().encode(), "application/json")
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


def _with_contents(
    shots: tuple[Shot, ...], texts: tuple[ScreenText, ...], speech: tuple[SpeechSegment, ...]
) -> tuple[Shot, ...]:
    """The shots, each naming the texts and the speech that lie in it, if only in part."""
    starts = [shot.start_ms for shot in shots]
    ends = [shot.end_ms for shot in shots]
    seen: list[list[str]] = [[] for _ in shots]
    said: list[list[str]] = [[] for _ in shots]
    for segments, contents in ((texts, seen), (speech, said)):
        for segment in segments:
            for position in range(bisect_right(ends, segment.start_ms), bisect_left(starts, segment.end_ms)):
                contents[position].append(segment.segment_id)
    return tuple(
        shot.model_copy(update={"text": tuple(text), "speech": tuple(spoken)})
        for shot, text, spoken in zip(shots, seen, said, strict=True)
    )


def _moments(texts: tuple[ScreenText, ...], speech: tuple[SpeechSegment, ...]) -> tuple[Moment, ...]:
    """A shot says nothing in words of its own until something names what is in it."""
    moments = [
        Moment(
            segment_id=segment.segment_id,
            kind=kind,
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
            text=segment.text,
        )
        for kind, segments in ((MomentKind.TEXT, texts), (MomentKind.SPEECH, speech))
        for segment in segments
    ]
    return tuple(sorted(moments, key=lambda moment: (moment.start_ms, moment.segment_id)))


def _vectors(moments: Sequence[Moment], embedder: Embedder, steps: Steps) -> bytes:
    import numpy as np

    from functions.videos.domain.results import EMBEDDING_DIMENSIONS

    vectors = np.zeros((len(moments), EMBEDDING_DIMENSIONS), dtype=np.float16)
    for start in range(0, len(moments), _EMBEDDED_AT_ONCE):
        batch = moments[start : start + _EMBEDDED_AT_ONCE]
        vectors[start : start + len(batch)] = embedder.embed([moment.text for moment in batch])
        steps.check()
        steps.report(_FOUND + (0.99 - _FOUND) * (start + len(batch)) / len(moments))
    file = io.BytesIO()
    np.save(file, vectors, allow_pickle=False)
    return file.getvalue()
