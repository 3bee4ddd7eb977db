"""Shots of the accurate mode: the rules' boundaries beside what a network says of the same frames."""

from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers.boundaries import Boundary
from functions.analysis.analyzers.shots import ShotAnalyzer
from functions.analysis.analyzers.transnet import WINDOW, CheckedShotDetector
from functions.analysis.checkpoints import read_state, take_snapshot
from functions.videos.domain.results import Transition
from tests.support.clips import Picture, faded, frames_of, plain, scene

MARGIN = 25


class Opinion:
    """A network that says of some frames what it was told to, and of the others that they change nothing."""

    def __init__(self, changes: Mapping[int, float], changing: Mapping[int, float]) -> None:
        self.windows = 0
        self._changes = changes
        self._changing = changing

    def probabilities(self, frames: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        assert frames.shape == (WINDOW, 27, 48, 3)
        first = self.windows * (WINDOW - 2 * MARGIN) - MARGIN
        self.windows += 1
        return self._within(self._changes, first), self._within(self._changing, first)

    def _within(self, told: Mapping[int, float], first: int) -> NDArray[np.float32]:
        return np.array([told.get(frame, 0.0) for frame in range(first, first + WINDOW)], dtype=np.float32)


def detect(
    pictures: list[Picture], changes: Mapping[int, float] | None = None, changing: Mapping[int, float] | None = None
) -> list[Boundary]:
    detector = CheckedShotDetector(24.0, Opinion(changes or {}, changing or {}))
    found = [detector.push(frame) for frame in frames_of(pictures)]
    return [boundary for boundary in found if boundary is not None] + detector.finish()


def dissolve(before: list[Picture], after: list[Picture]) -> list[Picture]:
    shares = np.linspace(0, 1, len(before))
    return [
        (one * (1 - share) + other * share).astype(np.uint8)
        for one, other, share in zip(before, after, shares, strict=True)
    ]


@pytest.mark.parametrize("length", [30, 60, 99, 100, 101, 240])
def test_a_sure_cut_needs_no_network_wherever_it_falls(length: int) -> None:
    assert [boundary.frame for boundary in detect(scene(1, length) + scene(2, length))] == [length]


def test_a_dissolve_that_only_the_network_sees_is_told_once() -> None:
    first, second = scene(1, 160), scene(2, 160)
    pictures = first[:120] + dissolve(first[120:], second[:40]) + second[40:]
    assert detect(pictures) == []
    changes = {138: 0.7, 139: 0.9, 140: 0.7}
    changing = dict.fromkeys(range(122, 158), 0.95)
    (boundary,) = detect(pictures, changes, changing)
    assert (boundary.frame, boundary.transition) == (140, Transition.DISSOLVE)


def test_what_the_network_makes_of_a_fade_is_that_fade() -> None:
    before, after = scene(1, 80), scene(2, 80)
    pictures = before[:60] + faded(before[60:], leaving=True) + plain((0, 0, 0), 4)
    pictures += faded(after[:20], leaving=False) + after[20:]
    (boundary,) = detect(pictures, {70: 0.9, 95: 0.9}, dict.fromkeys(range(62, 102), 0.95))
    assert boundary.transition is Transition.FADE


def test_a_network_that_is_not_sure_adds_nothing() -> None:
    assert detect(scene(1, 200), {99: 0.5}, {99: 0.95}) == []
    assert detect(scene(1, 200), {99: 0.9}, {99: 0.5}) == []


def test_the_networks_cut_beside_one_of_the_rules_is_that_one() -> None:
    found = detect(scene(1, 60) + scene(2, 60), {57: 0.9, 62: 0.9}, dict.fromkeys(range(55, 65), 0.95))
    assert [boundary.frame for boundary in found] == [60]


def test_each_shot_keeps_a_keyframe_of_its_own() -> None:
    saved: dict[str, bytes] = {}
    analyzer = ShotAnalyzer(CheckedShotDetector(24.0, Opinion({}, {})), saved.__setitem__)
    for frame in frames_of(scene(1, 130) + scene(2, 130)):
        analyzer.see(frame)
    shots = analyzer.finish(10_833).shots
    assert [(shot.start_frame, shot.end_frame) for shot in shots] == [(0, 130), (130, 260)]
    assert set(saved) == {shot.keyframe for shot in shots}


def test_an_interrupted_pass_finds_the_boundaries_of_one_that_was_not() -> None:
    frames = list(frames_of(scene(1, 160) + scene(2, 160)))
    changes, changing = {89: 0.9}, dict.fromkeys(range(80, 100), 0.95)
    network = Opinion(changes, changing)
    first, second = CheckedShotDetector(24.0, network), CheckedShotDetector(24.0, network)
    found = [first.push(frame) for frame in frames[:130]]
    second.resume(read_state(take_snapshot(first.state()).state, {}))
    found += [second.push(frame) for frame in frames[130:]]
    boundaries = [boundary for boundary in found if boundary is not None] + second.finish()
    assert boundaries == detect(scene(1, 160) + scene(2, 160), changes, changing)
    assert [boundary.frame for boundary in boundaries] == [90, 160]
