"""Emotion with the converted model, on faces whose expression is plain to see, and on one that is too small."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from functions.analysis.measure import FolderResults, measure
from functions.videos.domain.results import Emotions
from infra.local.clips import astronaut, carphone
from tests.support.clips import Picture, write_clip

pytestmark = pytest.mark.clips

ALTERED: dict[str, Callable[[Picture], Picture]] = {
    "as it is": lambda picture: picture,
    "mirrored": lambda picture: picture[:, ::-1],
    "darker": lambda picture: (picture * 0.6).astype(np.uint8),
    "smaller": lambda picture: np.asarray(cv2.resize(picture, (400, 400)), dtype=np.uint8),
    "wide": lambda picture: np.pad(picture, ((0, 0), (200, 200), (0, 0)), mode="edge"),
}


def emotions(folder: Path) -> Emotions:
    return Emotions.model_validate_json((folder / "emotions.json").read_bytes())


@pytest.mark.parametrize("altered", ALTERED)
def test_a_smile_is_happy(tmp_path: Path, altered: str) -> None:
    portrait = np.asarray(cv2.imread(str(astronaut())), dtype=np.uint8)[..., ::-1]
    picture = np.ascontiguousarray(ALTERED[altered](portrait))
    clip = write_clip(tmp_path / "a.mp4", [picture] * 36)
    measured = measure(clip, ("emotion",), "fast", FolderResults(tmp_path))

    (face,) = emotions(tmp_path).faces
    assert face.label == "happy"
    assert face.confidence > 0.8
    assert (face.start_ms, face.end_ms) == (0, 1500)
    assert {used.model for used in measured.manifest.models if used.analyzer == "emotion"} == {
        "centerface",
        "mini-xception-fer2013",
    }


def test_results_say_that_emotion_is_experimental(tmp_path: Path) -> None:
    measure(carphone(), ("emotion",), "fast", FolderResults(tmp_path))
    results = json.loads((tmp_path / "analysis.json").read_text())
    assert results["emotions"]["experimental"] is True


def test_a_face_that_is_too_small_to_read_has_no_emotion(tmp_path: Path) -> None:
    """The man in the car is 50 pixels high."""
    measure(carphone(), ("people", "emotion"), "fast", FolderResults(tmp_path))
    assert emotions(tmp_path).faces == ()
    assert len(json.loads((tmp_path / "people.json").read_text())["faces"]) == 1
