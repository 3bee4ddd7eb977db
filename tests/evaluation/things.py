"""Objects, people and faces, against what a person saw in single frames."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from functions.analysis.job import AVAILABLE_FEATURES
from functions.videos.domain.results import OBJECTS, PEOPLE, Box, BoxAt, Objects, People, ThingTrack
from tests.evaluation.bars import Bar, share
from tests.evaluation.collection import COLLECTION
from tests.evaluation.library import Analysed, Library
from tests.evaluation.truth import Face, LabelledFrame

# Things are looked for a few times a second: a frame is told by the samples next to it.
NEAR_MS = 250
OVERLAP = 0.3
OBJECT_PRECISION, OBJECT_RECALL = 0.7, 0.6
FACE_PRECISION, FACE_RECALL = 0.8, 0.7


@dataclass
class Tally:
    there: int = 0
    found: int = 0
    false: int = 0

    def bars(self, what: str, precision: float, recall: float) -> Iterator[Bar]:
        yield Bar(f"{what}, precision", share(self.found, self.found + self.false), precision)
        yield Bar(f"{what}, recall", share(self.found, self.there), recall)


def evaluate(library: Library) -> list[Bar]:
    screen = library.screen
    screen.heading("Objects and faces")
    if missing := {"objects", "people"} - AVAILABLE_FEATURES:
        screen.line(f"  left out: the worker doesn't look for {' and '.join(sorted(missing))} yet")
        return []
    objects, faces = Tally(), Tally()
    for name in COLLECTION:
        labelled = library.clip(name).truth.labelled
        if labelled:
            found = _found(library.analysed(name))
            for frame in labelled:
                seen = _compare_objects(frame, *found, objects)
                seen += compare_faces(frame, found[1], faces)
                screen.line(f"  {name} {frame.frame:4}: {', '.join(seen) or 'nothing'}")
    return [
        *objects.bars("objects and people", OBJECT_PRECISION, OBJECT_RECALL),
        *faces.bars("faces", FACE_PRECISION, FACE_RECALL),
    ]


def _found(analysed: Analysed) -> tuple[Objects, People]:
    return (
        Objects.model_validate_json((analysed.folder / OBJECTS).read_bytes()),
        People.model_validate_json((analysed.folder / PEOPLE).read_bytes()),
    )


def _compare_objects(frame: LabelledFrame, objects: Objects, people: People, tally: Tally) -> list[str]:
    """Of each class, whether it is there at all."""
    if frame.objects is None:
        return []
    tracks = (*objects.objects, *people.people)
    seen = {track.label for track in tracks if _boxes_near(track, frame.at_ms)}
    tally.there += len(frame.objects)
    tally.found += len(seen & set(frame.objects))
    tally.false += len(seen - set(frame.objects) - set(frame.doubtful))
    return sorted(seen)


def compare_faces(frame: LabelledFrame, people: People, tally: Tally) -> list[str]:
    """Each face needs a track of its own."""
    if frame.faces is None:
        return []
    nearest: list[Box] = [
        min(near, key=lambda box: abs(box.at_ms - frame.at_ms))
        for track in people.faces
        if (near := _boxes_near(track, frame.at_ms))
    ]
    found = _take(nearest, frame.faces)
    _take(nearest, frame.doubtful_faces)
    tally.there += len(frame.faces)
    tally.found += found
    tally.false += len(nearest)
    return [f"{found} of {len(frame.faces)} faces, {len(nearest)} false"]


def _boxes_near(track: ThingTrack, at_ms: int) -> list[BoxAt]:
    return [box for box in track.boxes if abs(box.at_ms - at_ms) <= NEAR_MS]


def _take(boxes: list[Box], faces: Iterable[Face]) -> int:
    """How many of the faces have a box of their own; such boxes are taken from those that are there."""
    taken = 0
    for face in faces:
        box = next((one for one in boxes if _overlap(face, one) >= OVERLAP), None)
        if box is not None:
            boxes.remove(box)
            taken += 1
    return taken


def _overlap(face: Face, box: Box) -> float:
    """Intersection over union."""
    wide = min(face.x + face.width, box.x + box.width) - max(face.x, box.x)
    high = min(face.y + face.height, box.y + box.height) - max(face.y, box.y)
    both = max(0.0, wide) * max(0.0, high)
    return both / (face.width * face.height + box.width * box.height - both)
