"""People, objects and faces in real clips, with the converted models. Truth was read off the clips by eye."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from functions.analysis.analyzers.centerface import CenterFaceDetector
from functions.analysis.analyzers.tracking import Tracker
from functions.analysis.job import Mode
from functions.analysis.measure import FileCheckpoints, FolderResults, measure
from functions.analysis.things import find_things
from functions.videos.domain.results import Manifest, Moments, Objects, People, ThingTrack, Timeline
from infra.local.clips import astronaut, bikes, carphone, trailer
from tests.support.clips import Picture

pytestmark = pytest.mark.clips


@pytest.fixture(scope="module")
def street(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("street")
    measure(bikes(), ("shots", "people", "objects"), "fast", FolderResults(folder))
    return folder


def objects(folder: Path) -> Sequence[ThingTrack]:
    return Objects.model_validate_json((folder / "objects.json").read_bytes()).objects


def people(folder: Path) -> People:
    return People.model_validate_json((folder / "people.json").read_bytes())


def shown(found: Sequence[ThingTrack], label: str, from_ms: int, to_ms: int) -> bool:
    return any(thing.label == label and thing.start_ms < to_ms and thing.end_ms > from_ms for thing in found)


def test_the_cars_the_bicycle_and_the_people_of_a_street_are_found_where_they_are(street: Path) -> None:
    found = objects(street)
    assert shown(found, "car", 1300, 2900)
    assert shown(found, "car", 5600, 7400)
    assert shown(found, "bicycle", 7600, 9500)
    everyone = people(street).people
    assert shown(everyone, "person", 4300, 5200)
    assert shown(everyone, "person", 7500, 8000)


def test_nothing_is_seen_where_nothing_is(street: Path) -> None:
    """The first second shows a road marking, the last bit a wall."""
    everything = [*objects(street), *people(street).people, *people(street).faces]
    assert [thing.label for thing in everything if thing.start_ms < 1100] == []


def test_a_track_stays_in_its_shot_and_in_the_picture(street: Path) -> None:
    shots = Timeline.model_validate_json((street / "timeline.json").read_bytes()).shots
    for thing in (*objects(street), *people(street).people):
        assert any(shot.start_ms <= thing.start_ms and thing.end_ms <= shot.end_ms for shot in shots)
        assert all(thing.start_ms <= box.at_ms < thing.end_ms for box in thing.boxes)
        assert all(box.x + box.width <= 1.001 and box.y + box.height <= 1.001 for box in thing.boxes)


def test_what_was_seen_can_be_searched_for_and_says_what_saw_it(street: Path) -> None:
    moments = Moments.model_validate_json((street / "moments.json").read_bytes()).moments
    texts = {moment.text for moment in moments}
    assert "a bicycle" in texts
    assert "a person" in texts
    named = {thing.segment_id for thing in (*objects(street), *people(street).people, *people(street).faces)}
    assert {moment.segment_id for moment in moments} <= named
    models = Manifest.model_validate_json((street / "manifest.json").read_bytes()).models
    assert {(model.analyzer, model.licence) for model in models} >= {("objects", "MIT"), ("faces", "MIT")}


def test_a_face_is_followed_through_the_whole_shot(tmp_path: Path) -> None:
    measure(carphone(), ("people",), "fast", FolderResults(tmp_path))
    (face,) = people(tmp_path).faces
    assert face.start_ms == 0
    assert face.end_ms >= 3900
    assert face.confidence >= 0.9
    # The man sits in the middle of the picture.
    assert all(0.3 < box.x + box.width / 2 < 0.7 for box in face.boxes)
    (man,) = people(tmp_path).people
    assert man.end_ms - man.start_ms >= 3900


def test_a_film_with_animals_alone_has_nobody_in_it(tmp_path: Path) -> None:
    measured = measure(trailer(), ("people",), "fast", FolderResults(tmp_path))
    assert people(tmp_path).people == ()
    assert len(people(tmp_path).faces) <= 1
    assert not (tmp_path / "objects.json").exists()
    assert measured.manifest.counts.frames == 1323


class Interrupted(Exception):
    pass


class LastCheckpoint(FileCheckpoints):
    """The pass ends with the first checkpoint that it keeps."""

    def save(self, body: bytes) -> None:
        super().save(body)
        raise Interrupted


def found(folder: Path) -> dict[str, bytes]:
    """All but the accounts of the work, which tell of the last pass alone."""
    left_out = ("manifest.json", "analysis.json")
    files = [path for path in folder.rglob("*.*") if path.name not in left_out]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


@pytest.mark.parametrize(("features", "mode"), [(("shots", "people", "objects"), "fast"), (("shots",), "accurate")])
def test_an_interrupted_pass_finds_what_one_that_was_not_does(
    tmp_path: Path, features: tuple[str, ...], mode: Mode
) -> None:
    whole, broken, kept = tmp_path / "whole", tmp_path / "broken", tmp_path / "kept"
    measure(bikes(), features, mode, FolderResults(whole))
    with pytest.raises(Interrupted):
        measure(bikes(), features, mode, FolderResults(broken), LastCheckpoint(kept), chunk_ms=4_000)
    resumed = measure(bikes(), features, mode, FolderResults(broken), FileCheckpoints(kept), chunk_ms=4_000)
    assert found(broken) == found(whole)
    assert resumed.manifest.counts.frames == 250


@pytest.fixture(scope="module")
def faces() -> CenterFaceDetector:
    return CenterFaceDetector(1, side=512)


def portrait(width: int, tilt: float = 0, brightness: float = 1) -> Picture:
    """The astronaut's head, of which the face takes two fifths of the width."""
    head = np.asarray(cv2.imread(str(astronaut())), dtype=np.uint8)[0:220, 130:350]
    turn = cv2.getRotationMatrix2D((110, 110), tilt, 1)
    turned = cv2.warpAffine(head, turn, (220, 220), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(turned, (width, width), interpolation=cv2.INTER_AREA) * brightness, dtype=np.uint8)


def hung(picture: Picture, height: int, width: int, top: int, left: int) -> Picture:
    """On a grey wall of that size, of which it may be cut off."""
    wall = np.full((height + 400, width + 400, 3), 90, dtype=np.uint8)
    wall[200 + top : 200 + top + len(picture), 200 + left : 200 + left + len(picture)] = picture
    return np.ascontiguousarray(wall[200 : 200 + height, 200 : 200 + width])


@pytest.mark.parametrize("shape", [(288, 512), (512, 288), (205, 512), (512, 512)], ids=str)
@pytest.mark.parametrize("place", [0.0, 0.35, 1.0])
def test_one_face_is_one_wherever_it_is_and_however_the_picture_is_shaped(
    faces: CenterFaceDetector, shape: tuple[int, int], place: float
) -> None:
    top, left = (round((length - 64) * place) for length in shape)
    (found,) = faces.detect(hung(portrait(64), *shape, top, left))
    middle_x, middle_y = found.box.x + found.box.width / 2, found.box.y + found.box.height / 2
    assert abs(middle_x * shape[1] - (left + 32)) < 10
    assert abs(middle_y * shape[0] - (top + 32)) < 10


HARD_TO_SEE: dict[str, Callable[[], Picture]] = {
    "three hundredths of the width": lambda: hung(portrait(38), 288, 512, 100, 300),
    "tilted to the left": lambda: hung(portrait(110, tilt=20), 288, 512, 80, 60),
    "tilted to the right": lambda: hung(portrait(110, tilt=-20), 288, 512, 80, 60),
    "dark": lambda: hung(portrait(110, brightness=0.2), 288, 512, 80, 60),
    "blurred": lambda: np.asarray(cv2.blur(hung(portrait(110), 288, 512, 80, 60), (7, 7)), dtype=np.uint8),
    "partly beyond the left edge": lambda: hung(portrait(110), 288, 512, 80, -45),
    "half beyond the upper edge": lambda: hung(portrait(110), 288, 512, -50, 60),
}


@pytest.mark.parametrize("face", HARD_TO_SEE)
def test_a_face_that_is_hard_to_see_is_found(faces: CenterFaceDetector, face: str) -> None:
    picture = HARD_TO_SEE[face]()
    tracker = Tracker(interval_ms=250)
    for at_ms in range(0, 2000, 250):
        tracker.update(at_ms, faces.detect(picture))
    assert len(find_things(tracker.finish(), (), 2000, ("people",)).faces) == 1
