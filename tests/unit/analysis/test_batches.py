"""Samples that are looked at several at once: what is found is the same, and none is lost in between."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers.things import Detector, ThingAnalyzer
from functions.analysis.analyzers.tracking import Detection, Sighting
from functions.analysis.checkpoints import read_state, take_snapshot
from functions.analysis.frames import Frame
from functions.videos.domain.results import Box, ModelUsed
from tests.support.clips import Picture, frames_of, plain, scene

INTERVAL_MS = 250


class Brightness:
    """Finds in each picture one thing, which is as sure as the picture is bright."""

    side = 320
    models: tuple[ModelUsed, ...] = ()

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        return [Detection("light", round(float(picture.mean()) / 255, 3), Box(x=0.1, y=0.1, width=0.5, height=0.5))]


class ManyAtOnce(Brightness):
    def __init__(self, batch: int) -> None:
        self.batch = batch
        self.sizes: list[int] = []

    def detect_all(self, pictures: Sequence[NDArray[np.uint8]]) -> list[list[Detection]]:
        np.stack(pictures)
        self.sizes.append(len(pictures))
        return [self.detect(picture) for picture in pictures]


def analyzer(detector: Detector) -> ThingAnalyzer:
    return ThingAnalyzer("objects", frozenset({"objects"}), detector, INTERVAL_MS)


def found_by(watching: ThingAnalyzer, frames: Sequence[Frame]) -> list[tuple[str, list[Sighting]]]:
    """To the end of the video."""
    for frame in frames:
        watching.see(frame)
    return [(track.label, list(track.sightings)) for track in watching.finish(frames[-1].start_ms + 40).tracks]


def brighter_and_brighter(seconds: int) -> list[Picture]:
    (picture,) = plain((240, 250, 245), 1)
    return [(picture * share).astype(np.uint8) for share in np.linspace(0.5, 1, seconds * 24)]


FRAMES = list(frames_of(brighter_and_brighter(5)))
"""Twenty samples."""


@pytest.mark.parametrize(("batch", "sizes"), [(1, [1] * 20), (3, [3] * 6 + [2]), (8, [8, 8, 4]), (50, [20])])
def test_however_many_go_at_once_the_same_is_found(batch: int, sizes: list[int]) -> None:
    detector = ManyAtOnce(batch)
    found = found_by(analyzer(detector), FRAMES)
    assert found == found_by(analyzer(Brightness()), FRAMES)
    assert [len(sightings) for _label, sightings in found] == [20]
    assert detector.sizes == sizes


def test_pictures_of_another_size_begin_another_batch() -> None:
    pictures = [*brighter_and_brighter(1), *scene(1, 24, width=180, height=320), *scene(2, 24)]
    frames = list(frames_of(pictures))
    detector = ManyAtOnce(8)
    assert found_by(analyzer(detector), frames) == found_by(analyzer(Brightness()), frames)
    assert sum(detector.sizes) == 12
    assert max(detector.sizes) == 4


@pytest.mark.parametrize("elsewhere", [1, 3, 8])
def test_who_goes_on_has_the_samples_that_waited(elsewhere: int) -> None:
    """Also where fewer or more go at once than where the checkpoint was taken."""
    half = len(FRAMES) // 2
    begun, goes_on = analyzer(ManyAtOnce(8)), analyzer(ManyAtOnce(elsewhere))
    for frame in FRAMES[:half]:
        begun.see(frame)
    snapshot = take_snapshot(begun.state())
    assert not snapshot.frames

    goes_on.resume(read_state(snapshot.state, {}))

    assert found_by(goes_on, FRAMES[half:]) == found_by(analyzer(Brightness()), FRAMES)


def test_a_video_without_pictures_has_no_batch() -> None:
    detector = ManyAtOnce(8)
    assert analyzer(detector).finish(0).tracks == ()
    assert detector.sizes == []
