"""What tracks say about a video: the things of each shot, and what to call them when people search."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from math import ceil

from functions.analysis.analyzers.centerface import FACE
from functions.analysis.analyzers.centernet import PERSON
from functions.analysis.analyzers.emotion import EMOTIONS, EXPRESSION
from functions.analysis.analyzers.tracking import LEAST_SIGHTINGS, Sighting, Sightings, Track, split
from functions.videos.domain.results import BoxAt, Moment, MomentKind, Shot, ThingTrack

# Seen once may be anything. The detectors' false finds are rarely this sure in any picture, or not for long: people
# are what a false find does the most harm with, and cartoon faces convince a face detector a little.
_BEST_SCORE = {PERSON: 0.5, FACE: 0.7, EXPRESSION: 0.7}
_BEST_SCORE_OF_OBJECT = 0.45
_STEADY_SIGHTINGS = 5
_STEADY_SCORE = {PERSON: 0.5, FACE: 0.6, EXPRESSION: 0.6}
_STEADY_SCORE_OF_OBJECT = 0.33

MOST_BOXES = 200_000
"""Of all tracks together. Whoever reads the results of a crowd needs some 200 bytes for each."""

# An emotion is told where it is likelier than all others together.
_LEAST_EMOTION = 0.5

# Where no shots were asked for, a thing that is gone for longer comes again as another moment.
_TOGETHER_MS = 2_000

_PLURALS = {PERSON: "people", "knife": "knives", "mouse": "mice", "sheep": "sheep"}
_WITHOUT_NUMBER = frozenset({"scissors", "skis", "broccoli"})


@dataclass(frozen=True, slots=True)
class FoundThings:
    objects: tuple[ThingTrack, ...]
    people: tuple[ThingTrack, ...]
    faces: tuple[ThingTrack, ...]
    emotions: tuple[ThingTrack, ...]


def find_things(
    tracks: Iterable[Track],
    shots: Sequence[Shot],
    duration_ms: int,
    features: Collection[str],
    most_boxes: int = MOST_BOXES,
) -> FoundThings:
    """The tracks that convince and belong to one of the features, cut at the shots, as results.

    Where they have more boxes than `most_boxes`, only each second, third, ... of a track's is kept, its first always.
    """
    starts = [shot.start_ms for shot in shots]
    parts = [part for track in tracks for part in split(track, starts) if _convinces(part)]
    parts.sort(key=lambda part: part.sightings[0].at_ms)
    expressed = [felt for part in parts if (felt := _expressed(part)) is not None]
    box_every = max(1, ceil(sum(len(part.sightings) for part in parts) / most_boxes))

    def named(prefix: str, feature: str, wanted: Iterable[Track]) -> tuple[ThingTrack, ...]:
        if feature not in features:
            return ()
        return tuple(
            _thing(f"{prefix}-{number:04}", part, _bounds(part, shots, starts, duration_ms), box_every)
            for number, part in enumerate(wanted, start=1)
        )

    return FoundThings(
        objects=named("object", "objects", (part for part in parts if part.label not in (PERSON, FACE, EXPRESSION))),
        people=named("person", "people", (part for part in parts if part.label == PERSON)),
        faces=named("face", "people", (part for part in parts if part.label == FACE)),
        emotions=named("emotion", "emotion", expressed),
    )


def with_things(shots: Iterable[Shot], found: FoundThings) -> tuple[Shot, ...]:
    """The shots, each with the labels of the objects and the segment ids of the people in it."""
    return tuple(
        shot.model_copy(
            update={
                "labels": tuple(sorted({thing.label for thing in _within(found.objects, shot)})),
                "people": tuple(thing.segment_id for thing in _within(found.people, shot)),
            }
        )
        for shot in shots
    )


def thing_moments(found: FoundThings, shots: Sequence[Shot]) -> Iterator[Moment]:
    """A moment for each kind of thing in each shot, which says how many there are at a time."""
    starts = [shot.start_ms for shot in shots]

    def place(thing: ThingTrack) -> tuple[str, int]:
        return thing.label, bisect_right(starts, thing.start_ms)

    kinds = (MomentKind.OBJECT, found.objects), (MomentKind.PEOPLE, found.people), (MomentKind.PEOPLE, found.faces)
    for kind, tracks in kinds:
        in_order = sorted(tracks, key=lambda thing: (*place(thing), thing.start_ms))
        for _, same in groupby(in_order, place):
            for together in _together(list(same)):
                yield _moment(kind, together)


def _convinces(track: Track) -> bool:
    if len(track.sightings) < LEAST_SIGHTINGS:
        return False
    if track.best >= _BEST_SCORE.get(track.label, _BEST_SCORE_OF_OBJECT):
        return True
    steady = _STEADY_SCORE.get(track.label, _STEADY_SCORE_OF_OBJECT)
    return len(track.sightings) >= _STEADY_SIGHTINGS and track.confidence >= steady


def _expressed(track: Track) -> Track | None:
    """A face's track by its emotion on the whole; None of one that is too small, too short, or hard to read."""
    if track.label != EXPRESSION:
        return None
    read = [sighting for sighting in track.sightings if sighting.expression]
    if len(read) < LEAST_SIGHTINGS:
        return None
    shares = [sum(column) / len(read) for column in zip(*(sighting.expression for sighting in read), strict=True)]
    share, emotion = max(zip(shares, range(len(shares)), strict=True))
    if share < _LEAST_EMOTION:
        return None
    sightings = Sightings()
    for sighting in read:
        sightings.append(Sighting(sighting.at_ms, sighting.expression[emotion], sighting.box))
    return Track(EMOTIONS[emotion], track.interval_ms, sightings)


def _bounds(track: Track, shots: Sequence[Shot], starts: list[int], duration_ms: int) -> tuple[int, int]:
    """From the first to after the last sample; to the shot's ends where no sample of it lies between."""
    first, last = track.sightings[0].at_ms, track.sightings[-1].at_ms
    earliest, latest = 0, duration_ms
    if shots:
        shot = shots[max(0, bisect_right(starts, first) - 1)]
        earliest, latest = shot.start_ms, shot.end_ms
    start = earliest if first - earliest < track.interval_ms else first
    return start, max(start + 1, min(latest, last + track.interval_ms))


def _thing(segment_id: str, track: Track, bounds: tuple[int, int], box_every: int) -> ThingTrack:
    sightings = track.sightings
    return ThingTrack(
        segment_id=segment_id,
        label=track.label,
        start_ms=bounds[0],
        end_ms=bounds[1],
        confidence=round(track.confidence, 3),
        boxes=tuple(_box_at(sightings[index]) for index in range(0, len(sightings), box_every)),
    )


def _box_at(sighting: Sighting) -> BoxAt:
    box = sighting.box
    return BoxAt(x=box.x, y=box.y, width=box.width, height=box.height, at_ms=sighting.at_ms)


def _within(found: Sequence[ThingTrack], shot: Shot) -> list[ThingTrack]:
    return [thing for thing in found if thing.start_ms < shot.end_ms and thing.end_ms > shot.start_ms]


def _together(found: Sequence[ThingTrack]) -> Iterator[list[ThingTrack]]:
    group: list[ThingTrack] = []
    end_ms = 0
    for thing in found:
        if group and thing.start_ms > end_ms + _TOGETHER_MS:
            yield group
            group = []
        group.append(thing)
        end_ms = max(end_ms, thing.end_ms)
    if group:
        yield group


def _moment(kind: MomentKind, together: Sequence[ThingTrack]) -> Moment:
    surest = max(together, key=lambda thing: thing.confidence * len(thing.boxes))
    return Moment(
        segment_id=surest.segment_id,
        kind=kind,
        start_ms=min(thing.start_ms for thing in together),
        end_ms=max(thing.end_ms for thing in together),
        text=_called(surest.label, _most_at_once(together)),
    )


def _most_at_once(together: Sequence[ThingTrack]) -> int:
    coming = [(thing.start_ms, 1) for thing in together]
    going = [(thing.end_ms, -1) for thing in together]
    return max(accumulate(change for _, change in sorted(coming + going)))


def _called(label: str, count: int) -> str:
    """`a person`, `2 people`."""
    if label in _WITHOUT_NUMBER:
        return label
    if count == 1:
        return f"an {label}" if label[0] in "aeiou" else f"a {label}"
    return f"{count} {_PLURALS.get(label) or _plural(label)}"


def _plural(label: str) -> str:
    return f"{label}es" if label.endswith(("s", "ch", "sh")) else f"{label}s"
