"""Objects, people and faces, against what a person saw in single frames."""

from collections.abc import Iterator
from dataclasses import dataclass

from pydantic import BaseModel

from functions.analysis.job import AVAILABLE_FEATURES
from tests.evaluation.bars import Bar, share
from tests.evaluation.collection import COLLECTION
from tests.evaluation.library import Analysed, Library
from tests.evaluation.truth import Face, LabelledFrame

# Things are looked for a few times a second: a frame is told by the samples next to it.
NEAR_MS = 250
OVERLAP = 0.3
OBJECT_PRECISION, OBJECT_RECALL = 0.7, 0.6
FACE_PRECISION, FACE_RECALL = 0.8, 0.6


class _BoxAt(BaseModel):
    at_ms: int
    x: float
    y: float
    width: float
    height: float


class _Track(BaseModel):
    label: str
    start_ms: int
    end_ms: int
    boxes: tuple[_BoxAt, ...]

    def boxes_near(self, at_ms: int) -> list[_BoxAt]:
        return [box for box in self.boxes if abs(box.at_ms - at_ms) <= NEAR_MS]


class _Objects(BaseModel):
    objects: tuple[_Track, ...]


class _People(BaseModel):
    people: tuple[_Track, ...]
    faces: tuple[_Track, ...]


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
                _compare_faces(frame, found[1], faces)
                screen.line(f"  {name} {frame.frame:4}: {', '.join(sorted(seen)) or 'nothing'}")
    return [
        *objects.bars("objects and people", OBJECT_PRECISION, OBJECT_RECALL),
        *faces.bars("faces", FACE_PRECISION, FACE_RECALL),
    ]


def _found(analysed: Analysed) -> tuple[_Objects, _People]:
    return (
        _Objects.model_validate_json((analysed.folder / "objects.json").read_bytes()),
        _People.model_validate_json((analysed.folder / "people.json").read_bytes()),
    )


def _compare_objects(frame: LabelledFrame, objects: _Objects, people: _People, tally: Tally) -> set[str]:
    """Of each class, whether it is there at all."""
    tracks = (*objects.objects, *people.people)
    seen = {track.label for track in tracks if track.boxes_near(frame.at_ms)}
    tally.there += len(frame.objects)
    tally.found += len(seen & set(frame.objects))
    tally.false += len(seen - set(frame.objects) - set(frame.doubtful))
    return seen


def _compare_faces(frame: LabelledFrame, people: _People, tally: Tally) -> None:
    if frame.faces is None:
        return
    nearest = [
        min(near, key=lambda box: abs(box.at_ms - frame.at_ms))
        for track in people.faces
        if (near := track.boxes_near(frame.at_ms))
    ]
    for face in frame.faces:
        box = next((one for one in nearest if _overlap(face, one) >= OVERLAP), None)
        if box is not None:
            nearest.remove(box)
            tally.found += 1
    tally.there += len(frame.faces)
    tally.false += len(nearest)


def _overlap(face: Face, box: _BoxAt) -> float:
    """Intersection over union."""
    wide = min(face.x + face.width, box.x + box.width) - max(face.x, box.x)
    high = min(face.y + face.height, box.y + box.height) - max(face.y, box.y)
    both = max(0.0, wide) * max(0.0, high)
    return both / (face.width * face.height + box.width * box.height - both)
