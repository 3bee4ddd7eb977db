"""From what the analyzers found to the files that are left of an analysis."""

import io
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pydantic import BaseModel

from functions.analysis.analyzers import Findings
from functions.analysis.analyzers.text import TEXT_LATE_MS
from functions.analysis.captions import srt, thumbnails, vtt
from functions.analysis.things import FoundThings, find_things, thing_moments, with_things
from functions.videos.domain.results import (
    EMBEDDING_DIMENSIONS,
    EMOTIONS,
    MANIFEST,
    MOMENT_VECTORS,
    MOMENTS,
    OBJECTS,
    PEOPLE,
    RESULTS,
    RESULTS_SCHEMA,
    SOUNDS,
    SPRITE,
    SUBRIP,
    TEXTS,
    TIMELINE,
    TRANSCRIPT,
    WEBVTT,
    AnalysisResults,
    Counts,
    Emotions,
    Manifest,
    Moment,
    MomentKind,
    Moments,
    Objects,
    People,
    ScreenText,
    Shot,
    SoundEvent,
    SoundKind,
    Sounds,
    SpeechSegment,
    Texts,
    Timeline,
    Transcript,
    published_schema,
)

if TYPE_CHECKING:
    from numpy import float32
    from numpy.typing import NDArray

# All texts of a batch take the memory of the longest; more at once are hardly faster.
_EMBEDDED_AT_ONCE = 16


class ResultStore(Protocol):
    def put(self, name: str, body: bytes, content_type: str) -> None: ...


class Embedder(Protocol):
    def embed(self, texts: Sequence[str]) -> "NDArray[float32]":
        """One L2-normalised row of 384 per text."""
        ...


@dataclass(frozen=True, slots=True)
class Contents:
    """What there is of a video: segments in order, those of shots with what lies in them."""

    timeline: Timeline
    texts: Texts | None
    transcript: Transcript | None
    objects: Objects | None
    people: People | None
    sounds: Sounds | None
    emotions: Emotions | None
    moments: Moments
    files: tuple[str, ...]
    """What the analyzers have written by themselves."""

    @classmethod
    def of(cls, found: Sequence[Findings], duration_ms: int, done: Collection[str]) -> "Contents":
        """`done` are the features whose findings are whole."""
        cuts = tuple(shot for findings in found for shot in findings.shots)
        texts = _at_cuts(tuple(text for findings in found for text in findings.texts), cuts)
        speech = tuple(segment for findings in found for segment in findings.speech)
        # They are part of what is charged as speech.
        heard = [findings.sounds for findings in found if findings.sounds is not None] if "speech" in done else []
        sounds = tuple(sound for events in heard for sound in events)
        shots = _with_contents(cuts, texts, speech, sounds)
        tracks = [track for findings in found for track in findings.tracks]
        things = find_things(tracks, shots, duration_ms, done)
        shots = _measured(with_things(shots, things), found)
        keyframes = [shot.keyframe for shot in shots if shot.keyframe is not None]
        sheets = dict.fromkeys(one.sheet for findings in found for one in findings.sprite)
        return cls(
            timeline=Timeline(duration_ms=duration_ms, shots=shots),
            texts=Texts(texts=texts) if "text" in done else None,
            transcript=Transcript(segments=speech) if "speech" in done else None,
            objects=Objects(objects=things.objects) if "objects" in done else None,
            people=People(people=things.people, faces=things.faces) if "people" in done else None,
            sounds=Sounds(sounds=sounds) if heard else None,
            emotions=Emotions(faces=things.emotions) if "emotion" in done else None,
            moments=Moments(moments=_moments(texts, speech, sounds, things, shots)),
            files=(*keyframes, *sheets),
        )

    def counts(self, frames: int) -> Counts:
        return Counts(
            frames=frames,
            shots=len(self.timeline.shots),
            texts=len(self.texts.texts) if self.texts else 0,
            speech=len(self.transcript.segments) if self.transcript else 0,
            moments=len(self.moments.moments),
            objects=len(self.objects.objects) if self.objects else 0,
            people=len(self.people.people) if self.people else 0,
            faces=len(self.people.faces) if self.people else 0,
            sounds=len(self.sounds.sounds) if self.sounds else 0,
            emotions=len(self.emotions.faces) if self.emotions else 0,
        )


class Documents:
    """Writes result files and remembers their names. The manifest, which lists them, comes last."""

    def __init__(self, results: ResultStore) -> None:
        self._results = results
        self.names: list[str] = []

    def write_contents(self, contents: Contents, found: Sequence[Findings]) -> None:
        self.names.extend(contents.files)
        self._write_json(TIMELINE, contents.timeline)
        if contents.texts is not None:
            self._write_json(TEXTS, contents.texts)
        if contents.transcript is not None:
            self._write_json(TRANSCRIPT, contents.transcript)
            self._write(SUBRIP, srt(contents.transcript.segments).encode(), "application/x-subrip; charset=utf-8")
            self._write(WEBVTT, vtt(contents.transcript.segments).encode(), "text/vtt; charset=utf-8")
        if contents.objects is not None:
            self._write_json(OBJECTS, contents.objects)
        if contents.people is not None:
            self._write_json(PEOPLE, contents.people)
        if contents.sounds is not None:
            self._write_json(SOUNDS, contents.sounds)
        if contents.emotions is not None:
            self._write_json(EMOTIONS, contents.emotions)
        sprite = [one for findings in found for one in findings.sprite]
        if sprite:
            self._write(SPRITE, thumbnails(sprite).encode(), "text/vtt; charset=utf-8")
        self._write_json(MOMENTS, contents.moments)

    def write_vectors(self, moments: Sequence[Moment], embedder: Embedder, report: Callable[[float], None]) -> None:
        """Embeds the moments in batches; `report` takes the share of them that is done."""
        import numpy as np

        vectors = np.zeros((len(moments), EMBEDDING_DIMENSIONS), dtype=np.float16)
        for start in range(0, len(moments), _EMBEDDED_AT_ONCE):
            batch = moments[start : start + _EMBEDDED_AT_ONCE]
            vectors[start : start + len(batch)] = embedder.embed([moment.text for moment in batch])
            report((start + len(batch)) / len(moments))
        file = io.BytesIO()
        np.save(file, vectors, allow_pickle=False)
        self._write(MOMENT_VECTORS, file.getvalue(), "application/octet-stream")

    def write_manifest(self, manifest: Manifest, contents: Contents) -> None:
        everything = AnalysisResults(
            manifest=manifest,
            timeline=contents.timeline,
            texts=contents.texts,
            transcript=contents.transcript,
            objects=contents.objects,
            people=contents.people,
            sounds=contents.sounds,
            emotions=contents.emotions,
            moments=contents.moments,
        )
        self._write_json(RESULTS, everything)
        self._write(RESULTS_SCHEMA, published_schema(), "application/schema+json")
        self._write_json(MANIFEST, manifest)

    def _write_json(self, name: str, document: BaseModel) -> None:
        self._write(name, document.model_dump_json().encode(), "application/json")

    def _write(self, name: str, body: bytes, content_type: str) -> None:
        self._results.put(name, body, content_type)
        self.names.append(name)


def _at_cuts(texts: tuple[ScreenText, ...], shots: tuple[Shot, ...]) -> tuple[ScreenText, ...]:
    """The texts, of which those that came or went just after a shot begins do so with it.

    A text's ends are the first frames of some that show it, or don't any more: they are late, never early.
    """
    starts = [shot.start_ms for shot in shots]

    def earlier(at_ms: int) -> int:
        begun = bisect_right(starts, at_ms)
        return starts[begun - 1] if begun and at_ms - starts[begun - 1] <= TEXT_LATE_MS else at_ms

    moved = (
        text.model_copy(update={"start_ms": earlier(text.start_ms), "end_ms": earlier(text.end_ms)}) for text in texts
    )
    return tuple(new if new.end_ms > new.start_ms else old for old, new in zip(texts, moved, strict=True))


def _with_contents(
    shots: tuple[Shot, ...],
    texts: tuple[ScreenText, ...],
    speech: tuple[SpeechSegment, ...],
    sounds: tuple[SoundEvent, ...],
) -> tuple[Shot, ...]:
    """The shots, each naming the texts, the speech and the sounds that lie in it, if only in part."""
    starts = [shot.start_ms for shot in shots]
    ends = [shot.end_ms for shot in shots]
    seen: list[list[str]] = [[] for _ in shots]
    said: list[list[str]] = [[] for _ in shots]
    heard: list[list[str]] = [[] for _ in shots]
    for segments, contents in ((texts, seen), (speech, said), (sounds, heard)):
        for segment in segments:
            for position in range(bisect_right(ends, segment.start_ms), bisect_left(starts, segment.end_ms)):
                contents[position].append(segment.segment_id)
    return tuple(
        shot.model_copy(update={"text": tuple(text), "speech": tuple(spoken), "sounds": tuple(events)})
        for shot, text, spoken, events in zip(shots, seen, said, heard, strict=True)
    )


def _measured(shots: tuple[Shot, ...], found: Sequence[Findings]) -> tuple[Shot, ...]:
    samples = next((findings.measures for findings in found if findings.measures is not None), None)
    if samples is None:
        return shots
    return tuple(shot.model_copy(update={"measures": samples.of(shot.start_ms, shot.end_ms)}) for shot in shots)


def _moments(
    texts: tuple[ScreenText, ...],
    speech: tuple[SpeechSegment, ...],
    sounds: tuple[SoundEvent, ...],
    things: FoundThings,
    shots: tuple[Shot, ...],
) -> tuple[Moment, ...]:
    """A shot says nothing in words of its own: what is in it does. Of speech there is what is said."""
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
    moments += [
        Moment(
            segment_id=sound.segment_id,
            kind=MomentKind.SOUND,
            start_ms=sound.start_ms,
            end_ms=sound.end_ms,
            text=sound.kind,
        )
        for sound in sounds
        if sound.kind is not SoundKind.SPEECH
    ]
    moments += thing_moments(things, shots)
    return tuple(sorted(moments, key=lambda moment: (moment.start_ms, moment.segment_id)))
