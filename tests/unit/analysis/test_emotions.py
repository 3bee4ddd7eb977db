"""From the expressions of a face in single pictures to the emotion of its track."""

from collections.abc import Iterable, Sequence

import pytest

from functions.analysis.analyzers import Findings
from functions.analysis.analyzers.emotion import EMOTIONS, EXPRESSION
from functions.analysis.analyzers.tracking import Detection, Tracker
from functions.analysis.documents import Contents
from functions.videos.domain.results import Box, ThingTrack

STEP = 250


def face(expression: Sequence[float] = (), score: float = 0.9) -> Detection:
    return Detection(EXPRESSION, score, Box(x=0.4, y=0.4, width=0.2, height=0.2), tuple(expression))


def mostly(emotion: str, share: float) -> tuple[float, ...]:
    rest = (1 - share) / (len(EMOTIONS) - 1)
    return tuple(share if one == emotion else rest for one in EMOTIONS)


def contents(samples: Iterable[Detection], *features: str) -> Contents:
    tracker = Tracker(STEP)
    for number, detection in enumerate(samples):
        tracker.update(number * STEP, [detection])
    return Contents.of([Findings(tracks=tracker.finish())], 60_000, set(features))


def emotions(samples: Iterable[Detection]) -> Sequence[ThingTrack]:
    found = contents(samples, "emotion").emotions
    assert found is not None
    return found.faces


@pytest.mark.parametrize("emotion", EMOTIONS)
def test_a_face_has_the_emotion_that_it_shows_on_the_whole(emotion: str) -> None:
    other = EMOTIONS[EMOTIONS.index(emotion) - 1]
    (track,) = emotions([face(mostly(emotion, 0.9)), face(mostly(other, 0.6)), face(mostly(emotion, 0.9))] * 2)
    assert (track.segment_id, track.label) == ("emotion-0001", emotion)
    assert track.confidence == pytest.approx((0.9 + 0.9 + 0.4 / 6) / 3, abs=0.001)
    assert len(track.boxes) == 6


def test_what_is_not_likelier_than_all_else_is_not_told() -> None:
    assert emotions([face(mostly("sad", 0.45))] * 8) == ()


def test_faces_that_were_not_read_or_once_alone_have_no_emotion() -> None:
    assert emotions([face()] * 8) == ()
    assert emotions([face(mostly("happy", 1)), *[face()] * 7]) == ()


def test_what_hardly_looks_like_a_face_has_no_emotion() -> None:
    assert emotions([face(mostly("happy", 1), score=0.5)] * 8) == ()


def test_emotions_are_marked_as_experimental_and_are_nothing_else() -> None:
    found = contents([face(mostly("happy", 1))] * 4, "emotion", "people", "objects")
    assert found.emotions is not None
    assert found.emotions.model_dump()["experimental"] is True
    assert found.people is not None
    assert found.objects is not None
    assert (found.people.faces, found.people.people, found.objects.objects) == ((), (), ())
    assert found.moments.moments == ()
    assert found.counts(1).emotions == 1


def test_emotions_that_were_not_asked_for_are_not_there() -> None:
    assert contents([face(mostly("happy", 1))] * 4, "people").emotions is None
