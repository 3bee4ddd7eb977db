"""Detectors are given several pictures at once on a GPU. What they find in each must be the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from functions.analysis.analyzers.centerface import CenterFaceDetector
from functions.analysis.analyzers.centernet import LABELS, CenterNetDetector
from functions.analysis.analyzers.things import BatchDetector
from functions.analysis.decode import Video
from functions.analysis.frames import Frame
from infra.local.clips import bikes, carphone

pytestmark = pytest.mark.clips


@pytest.mark.parametrize(
    ("load", "clip", "least"),
    [(lambda: CenterNetDetector(LABELS, 1), bikes, 10), (lambda: CenterFaceDetector(1, 512), carphone, 3)],
    ids=["objects", "faces"],
)
def test_in_each_of_several_pictures_the_same_is_found_as_in_it_alone(
    load: Callable[[], BatchDetector], clip: Callable[[], Path], least: int
) -> None:
    detector = load()
    with Video(clip()) as video:
        frames = [piece for piece in video if isinstance(piece, Frame)]
    pictures = [frame.picture(detector.side) for frame in frames[::30]]
    found = detector.detect_all(pictures)
    assert found == [detector.detect(picture) for picture in pictures]
    assert sum(map(len, found)) >= least
