"""What detectors find in single pictures, followed through time.

Samples are too far apart for a motion model to help, so a thing is taken for the same one where its boxes of
neighbouring samples overlap (the IOU tracker of Bochinski et al., 2017). What is already being followed may be seen
less clearly than what is new (ByteTrack, Zhang et al., 2022).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from struct import Struct

from functions.videos.domain.results import Box

# Below, a detection is noise to this tracker; between the two it continues a track but doesn't begin one.
CONTINUES = 0.25
BEGINS = 0.35

_SAME_PLACE = 0.15
# A thing may be hidden or missed for so many samples.
_MISSED = 2

LEAST_SIGHTINGS = 2
"""What was seen less often may be anything, and isn't remembered."""

# A sighting as it is remembered: when, its score, its box and its expression, all but the first in ten-thousandths. No
# detector tells more precisely. Without an expression its shares are nothing, and otherwise they add up to one.
_ROW = Struct("<Q12H")
_UNIT = 10_000
_SHARES = 7


@dataclass(frozen=True, slots=True)
class Detection:
    """`expression` is what a detector of faces reads in one, where it reads any: a share for each of seven emotions."""

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


class Sightings:
    """Those of one thing, in order, in 32 bytes each: an hour of a crowd has more than a million."""

    __slots__ = ("_rows",)

    def __init__(self, rows: bytes | bytearray = b"") -> None:
        self._rows = bytearray(rows)

    def append(self, sighting: Sighting) -> None:
        box = sighting.box
        shares = (sighting.score, box.x, box.y, box.width, box.height, *(sighting.expression or (0,) * _SHARES))
        self._rows += _ROW.pack(sighting.at_ms, *(round(_UNIT * share) for share in shares))

    def __len__(self) -> int:
        return len(self._rows) // _ROW.size

    def __iter__(self) -> Iterator[Sighting]:
        return (_sighting(row) for row in _ROW.iter_unpack(self._rows))

    def __getitem__(self, index: int) -> Sighting:
        return _sighting(_ROW.unpack_from(self._rows, (index % len(self)) * _ROW.size))

    @property
    def times(self) -> list[int]:
        return [row[0] for row in _ROW.iter_unpack(self._rows)]

    @property
    def scores(self) -> list[float]:
        return [row[1] / _UNIT for row in _ROW.iter_unpack(self._rows)]

    def part(self, first: int, end: int) -> "Sightings":
        return Sightings(self._rows[first * _ROW.size : end * _ROW.size])


def _sighting(row: tuple[int, ...]) -> Sighting:
    score, x, y, width, height, *expression = (number / _UNIT for number in row[1:])
    return Sighting(
        row[0], score, Box(x=x, y=y, width=width, height=height), tuple(expression) if any(expression) else ()
    )


@dataclass(frozen=True, slots=True)
class Track:
    """One thing in neighbouring samples, which were taken every `interval_ms`."""

    label: str
    interval_ms: int
    sightings: Sightings

    @property
    def confidence(self) -> float:
        return sum(self.sightings.scores) / len(self.sightings)

    @property
    def best(self) -> float:
        return max(self.sightings.scores)


@dataclass(slots=True)
class _Followed:
    label: str
    box: Box
    sightings: Sightings = field(default_factory=Sightings)
    missed: int = 0


class Tracker:
    """What it remembers of a thing takes some 200 bytes, and 32 for each sample that shows it."""

    def __init__(self, interval_ms: int) -> None:
        self._interval_ms = interval_ms
        self._followed: list[_Followed] = []
        self._lost: list[Track] = []

    def update(self, at_ms: int, detections: Sequence[Detection]) -> None:
        """Takes the detections of the next sample."""
        pairs = sorted(
            (
                (overlap(followed.box, detection.box), row, column)
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
        self._lost += self._tracks(followed for followed in self._followed if followed.missed > _MISSED)
        self._followed = [followed for followed in self._followed if followed.missed <= _MISSED]
        for column, detection in enumerate(detections):
            if column not in explained and detection.score >= BEGINS:
                followed = _Followed(detection.label, detection.box)
                self._see(followed, at_ms, detection)
                self._followed.append(followed)

    def finish(self) -> tuple[Track, ...]:
        """Every track of at least `LEAST_SIGHTINGS`, by its beginning."""
        tracks = [*self._lost, *self._tracks(self._followed)]
        return tuple(sorted(tracks, key=lambda track: track.sightings[0].at_ms))

    def _tracks(self, ended: Iterable[_Followed]) -> Iterator[Track]:
        for followed in ended:
            if len(followed.sightings) >= LEAST_SIGHTINGS:
                yield Track(followed.label, self._interval_ms, followed.sightings)

    def _see(self, followed: _Followed, at_ms: int, detection: Detection) -> None:
        followed.missed = 0
        followed.box = detection.box
        followed.sightings.append(Sighting(at_ms, detection.score, detection.box, detection.expression))


def split(track: Track, boundaries_ms: Sequence[int]) -> list[Track]:
    """The parts of a track between cuts, whose times ascend: what looks like one thing across a cut is two."""
    sightings = track.sightings
    first, last = bisect_right(boundaries_ms, sightings[0].at_ms), bisect_right(boundaries_ms, sightings[-1].at_ms)
    if first == last:
        return [track]
    times = sightings.times
    positions = [0, *(bisect_left(times, boundary) for boundary in boundaries_ms[first:last]), len(times)]
    return [
        Track(track.label, track.interval_ms, sightings.part(start, end))
        for start, end in pairwise(positions)
        if start < end
    ]


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
