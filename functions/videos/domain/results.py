"""What an analysis leaves in the results bucket: written by the worker, read by videos and conversations.

All objects of one analysis lie below `{workspace_id}/{video_id}/{analysis_id}/v1/`. The manifest is written last, so
whoever finds a manifest finds everything that it lists. Times are whole milliseconds from the first frame; an `end_ms`
is exclusive. Boxes are fractions of the upright picture.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.dataclasses import dataclass

SCHEMA_VERSION: Final = 1
EMBEDDING_DIMENSIONS = 384

MANIFEST = "manifest.json"
TIMELINE = "timeline.json"
TEXTS = "texts.json"
TRANSCRIPT = "transcript.json"
SOUNDS = "sounds.json"
OBJECTS = "objects.json"
PEOPLE = "people.json"
EMOTIONS = "emotions.json"
MOMENTS = "moments.json"
MOMENT_VECTORS = "moments.npy"
SUBRIP = "transcript.srt"
WEBVTT = "transcript.vtt"
SPRITE = "sprite.vtt"
LINKED_SPRITE = "sprite.linked.vtt"
"""A copy with signed links, which comes and goes: no manifest lists it."""
RESULTS = "analysis.json"
RESULTS_SCHEMA = "analysis.schema.json"

Milliseconds = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]


def results_prefix(workspace_id: str, video_id: str, analysis_id: str) -> str:
    return f"{workspace_id}/{video_id}/{analysis_id}/v{SCHEMA_VERSION}/"


def checkpoint_key(workspace_id: str, video_id: str, analysis_id: str) -> str:
    """Where the worker keeps what it would go on from, while an analysis lasts."""
    return f"{workspace_id}/{video_id}/{analysis_id}/checkpoint"


def keyframe_name(segment_id: str) -> str:
    return f"keyframes/{segment_id}.jpg"


def sprite_sheet_name(number: int) -> str:
    return f"sprites/sheet-{number:03}.jpg"


class Transition(StrEnum):
    """How a shot begins."""

    START = "start"
    CUT = "cut"
    FADE = "fade"
    DISSOLVE = "dissolve"


class MomentKind(StrEnum):
    SHOT = "shot"
    TEXT = "text"
    SPEECH = "speech"
    PEOPLE = "people"
    OBJECT = "object"
    SOUND = "sound"


class SoundKind(StrEnum):
    SPEECH = "speech"
    SINGING = "singing"
    MUSIC = "music"


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, defer_build=True)


# Boxes are dataclasses since there are many: models would take five times the memory.
@dataclass(frozen=True, slots=True, config=ConfigDict(defer_build=True))
class Box:
    x: Share
    y: Share
    width: Share
    height: Share


class ShotMeasures(_Document):
    """Means over the pictures of a shot, of which every quarter of a second one is measured. Luma is from 0 to 1.

    `motion` is by how much luma changes from a sample to the next, and `moving` the share of the picture in which it
    changes visibly: a camera that moves moves nearly all, somebody who walks by only a part. Neither is there for a
    shot with one sample. `brightness` is the mean of luma, `contrast` its standard deviation, `sharpness` the variance
    of its Laplacian (8 bits, 320 pixels wide or high) in the median picture, and `black` the share of pictures that are
    as good as black.
    """

    motion: Share | None
    moving: Share | None
    brightness: Share
    contrast: Share
    sharpness: Annotated[float, Field(ge=0)]
    black: Share


class Shot(_Document):
    segment_id: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    start_frame: int
    end_frame: int
    transition: Transition
    confidence: Share
    keyframe: str | None
    labels: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    speech: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    sounds: tuple[str, ...] = ()
    measures: ShotMeasures | None = None


class ScreenText(_Document):
    segment_id: str
    text: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Share
    box: Box


class SpeechSegment(_Document):
    segment_id: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str
    confidence: Share


class SoundEvent(_Document):
    """A kind of sound for as long as it lasts, to a tenth of a second. Kinds overlap: somebody speaks over music."""

    segment_id: str
    kind: SoundKind
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Share


@dataclass(frozen=True, slots=True, config=ConfigDict(defer_build=True))
class BoxAt(Box):
    at_ms: Milliseconds


class ThingTrack(_Document):
    """One thing through one shot: an object, a person or a face, with its box in each sample that shows it.

    Where an analysis would have more than about 200,000 boxes (an hour of a dozen things that are always in view), each
    track has every second, third, ... of them. Its ends are as precise as the samples are dense. `confidence` is the
    detector's, averaged.
    """

    segment_id: str
    label: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    confidence: Share
    boxes: tuple[BoxAt, ...]


class SpriteThumbnail(_Document):
    """Where a thumbnail lies on its sheet, in pixels, and from when to when it stands for the video."""

    sheet: str
    start_ms: Milliseconds
    end_ms: Milliseconds
    x: int
    y: int
    width: int
    height: int


class Moment(_Document):
    """What search finds and answers cite. Row i of `moments.npy` is the embedding of moment i."""

    segment_id: str
    kind: MomentKind
    start_ms: Milliseconds
    end_ms: Milliseconds
    text: str


class Timeline(_Document):
    """`text`, `speech`, `people` and `sounds` of a shot are segment ids of the other files, `labels` what it shows."""

    schema_version: Literal[1] = SCHEMA_VERSION
    duration_ms: Milliseconds
    shots: tuple[Shot, ...]


class Texts(_Document):
    schema_version: Literal[1] = SCHEMA_VERSION
    texts: tuple[ScreenText, ...]


class Transcript(_Document):
    schema_version: Literal[1] = SCHEMA_VERSION
    segments: tuple[SpeechSegment, ...]


class Sounds(_Document):
    schema_version: Literal[1] = SCHEMA_VERSION
    sounds: tuple[SoundEvent, ...]


class Objects(_Document):
    """Things of COCO's classes, without people."""

    schema_version: Literal[1] = SCHEMA_VERSION
    objects: tuple[ThingTrack, ...]


class People(_Document):
    """Faces are found apart from people: neither says who it is, or whose face."""

    schema_version: Literal[1] = SCHEMA_VERSION
    people: tuple[ThingTrack, ...]
    faces: tuple[ThingTrack, ...]


class Emotions(_Document):
    """Faces by what their expression looks like to a small classifier on the whole of a track: `label` is angry,
    disgust, fear, happy, sad, surprise or neutral, `confidence` its mean share. What somebody feels can't be seen.

    Faces that are small or hard to read are left out, and nothing of this is searched or answered from.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    experimental: Literal[True] = True
    faces: tuple[ThingTrack, ...]


class Moments(_Document):
    schema_version: Literal[1] = SCHEMA_VERSION
    moments: tuple[Moment, ...]


class ModelUsed(_Document):
    analyzer: str
    model: str
    version: str
    licence: str | None = None


class Counts(_Document):
    frames: int
    shots: int
    texts: int
    speech: int
    moments: int
    objects: int = 0
    people: int = 0
    faces: int = 0
    sounds: int = 0
    emotions: int = 0


class Work(_Document):
    """What the analysis took, from the loading of the models on. Analyzers work side by side, so the seconds of the
    parts add up to more than those on the wall.
    """

    wall_seconds: float
    peak_mebibytes: int
    cores: int
    seconds: dict[str, float]


class Manifest(_Document):
    schema_version: Literal[1] = SCHEMA_VERSION
    workspace_id: str
    video_id: str
    analysis_id: str
    features: tuple[str, ...]
    """What was done of what was asked for; the rest failed."""
    failed_features: tuple[str, ...] = ()
    mode: str
    duration_ms: Milliseconds
    width: int
    height: int
    frame_rate: float
    has_audio: bool
    models: tuple[ModelUsed, ...]
    counts: Counts
    files: tuple[str, ...]
    work: Work | None = None


class AnalysisResults(_Document):
    """All that was found, in one document: `analysis.json`, whose JSON Schema is published as `analysis.schema.json`.

    Fields are only ever added within a `schema_version`.
    """

    schema_version: Literal[1] = SCHEMA_VERSION
    manifest: Manifest
    timeline: Timeline
    texts: Texts | None
    transcript: Transcript | None
    objects: Objects | None = None
    people: People | None = None
    sounds: Sounds | None = None
    emotions: Emotions | None = None
    moments: Moments


def results_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of `AnalysisResults`."""
    schema = AnalysisResults.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def published_schema() -> bytes:
    """The same as it is published, in the file that `make schema` writes: making it anew takes a while."""
    return Path(__file__).parents[1].joinpath(RESULTS_SCHEMA).read_bytes()
