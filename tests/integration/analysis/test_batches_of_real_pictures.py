"""The detector of objects is given several pictures at once on a GPU. What it finds in each must be the same."""

import pytest

from functions.analysis.analyzers.centernet import LABELS, CenterNetDetector
from functions.analysis.decode import Video
from functions.analysis.frames import Frame
from infra.local.clips import bikes

pytestmark = pytest.mark.clips


def test_in_each_of_several_pictures_the_same_is_found_as_in_it_alone() -> None:
    detector = CenterNetDetector(LABELS, 1)
    with Video(bikes()) as video:
        frames = [piece for piece in video if isinstance(piece, Frame)]
    pictures = [frame.picture(detector.side) for frame in frames[::30]]
    found = detector.detect_all(pictures)
    assert found == [detector.detect(picture) for picture in pictures]
    assert len({thing.label for things in found for thing in things}) > 2
