"""What detectors find in single pictures, followed through time.

Samples are too far apart for a motion model to help, so a thing is taken for the same one where its boxes of
neighbouring samples overlap (the IOU tracker of Bochinski et al., 2017). What is already being followed may be seen
less clearly than what is new (ByteTrack, Zhang et al., 2022).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from functions.videos.domain.results import Box

# Below, a detection is noise to this tracker; between the two it continues a track but doesn't begin one.
CONTINUES = 0.25
BEGINS = 0.35

_SAME_PLACE = 0.15
# A thing may be hidden or missed for so many samples.
_MISSED = 2


@dataclass(frozen=True, slots=True)
class Detection:
    """`expression` is what a detector of faces reads in one, where it reads any: a share for each emotion."""

    label: str
    score: float
    box: Box
    expression: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Sighting:
    at_ms: int
    score: float
    box: Box
    expression: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Track:
    """One thing in neighbouring samples, which were taken every `interval_ms`."""

    label: str
    interval_ms: int
    sightings: tuple[Sighting, ...]

    @property
    def confidence(self) -> float:
        return sum(sighting.score for sighting in self.sightings) / len(self.sightings)

    @property
    def best(self) -> float:
        return max(sighting.score for sighting in self.sightings)


@dataclass(slots=True)
class _Followed:
    label: str
    sightings: list[Sighting] = field(default_factory=list)
    missed: int = 0


class Tracker:
    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._followed: list[_Followed] = []
        self._lost: list[_Followed] = []

    def update(self, at_ms: int, detections: Sequence[Detection]) -> None:
        """Takes the detections of the next sample."""
        pairs = sorted(
            (
                (overlap(followed.sightings[-1].box, detection.box), row, column)
                for row, followed in enumerate(self._followed)
                for column, detection in enumerate(detections)
                if followed.label == detection.label
            ),
            reverse=True,
        )
        seen: set[int] = set()
        explained: set[int] = set()
        for shared, row, column in pairs:
            if shared < _SAME_PLACE or row in seen or column in explained:
                continue
            seen.add(row)
            explained.add(column)
            self._see(self._followed[row], at_ms, detections[column])
        for row, followed in enumerate(self._followed):
            if row not in seen:
                followed.missed += 1
        self._lost += [followed for followed in self._followed if followed.missed > _MISSED]
        self._followed = [followed for followed in self._followed if followed.missed <= _MISSED]
        for column, detection in enumerate(detections):
            if column not in explained and detection.score >= BEGINS:
                followed = _Followed(detection.label)
                self._see(followed, at_ms, detection)
                self._followed.append(followed)

    def finish(self) -> tuple[Track, ...]:
        """Every track, by its beginning."""
        ended = sorted(self._lost + self._followed, key=lambda followed: followed.sightings[0].at_ms)
        return tuple(Track(followed.label, self._interval_ms, tuple(followed.sightings)) for followed in ended)

    def _see(self, followed: _Followed, at_ms: int, detection: Detection) -> None:
        followed.missed = 0
        followed.sightings.append(Sighting(at_ms, detection.score, detection.box, detection.expression))


def split(track: Track, boundaries_ms: Iterable[int]) -> list[Track]:
    """The parts of a track between cuts: what looks like one thing across a cut is two."""
    parts: list[Track] = []
    rest = track.sightings
    for boundary in boundaries_ms:
        before = tuple(sighting for sighting in rest if sighting.at_ms < boundary)
        if before:
            parts.append(Track(track.label, track.interval_ms, before))
        rest = rest[len(before) :]
    return [*parts, Track(track.label, track.interval_ms, rest)] if rest else parts


def without_repeats(detections: Sequence[Detection], same_label: float, any_label: float) -> list[Detection]:
    """Of detections that overlap by more than a share (of the union), the best: a thing is one thing."""
    kept: list[Detection] = []
    for detection in sorted(detections, key=lambda detection: detection.score, reverse=True):
        if all(
            overlap(detection.box, other.box) <= (same_label if detection.label == other.label else any_label)
            for other in kept
        ):
            kept.append(detection)
    return kept


def overlap(one: Box, other: Box) -> float:
    """Intersection over union."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (one.width * one.height + other.width * other.height - shared)
