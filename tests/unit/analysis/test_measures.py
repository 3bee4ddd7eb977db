"""What a take's measures say of it, on takes that differ in one thing alone."""

from collections.abc import Sequence

import cv2
import numpy as np
import pytest

from functions.analysis.analyzers import Findings
from functions.analysis.analyzers.measures import MeasureAnalyzer
from functions.analysis.checkpoints import read_state, take_snapshot
from functions.analysis.documents import Contents
from functions.videos.domain.results import Shot, ShotMeasures, Transition
from tests.support.clips import Picture, captioned, frames_of, plain, scene

FRAMES = 48
BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def measured(pictures: Sequence[Picture], start_ms: int = 0, end_ms: int = 100_000, rate: float = 24) -> ShotMeasures:
    analyzer = MeasureAnalyzer()
    for frame in frames_of(pictures, rate):
        analyzer.see(frame)
    samples = analyzer.finish(end_ms).measures
    assert samples is not None
    found = samples.of(start_ms, end_ms)
    assert found is not None
    return found


def with_walker(pictures: Sequence[Picture]) -> list[Picture]:
    """A white box crosses the picture."""
    walking = []
    for number, picture in enumerate(pictures):
        drawn = picture.copy()
        cv2.rectangle(drawn, (4 * number, 60), (4 * number + 40, 140), WHITE, -1)
        walking.append(drawn)
    return walking


def test_nothing_moves_in_a_still_take_and_more_the_faster_the_camera_pans() -> None:
    still, slow, fast = (measured(scene(1, FRAMES, pan=pan)).motion or 0.0 for pan in (0, 1, 4))
    assert still < 0.001
    assert 0.01 < slow < fast


def test_a_camera_moves_most_of_the_picture_and_a_walker_a_part() -> None:
    walk = measured(with_walker(scene(1, FRAMES)))
    pan = measured(scene(1, FRAMES, pan=4))
    assert walk.moving is not None
    assert pan.moving is not None
    assert 0.02 < walk.moving < 0.3 < pan.moving


def test_motion_is_the_same_at_any_frame_rate() -> None:
    fast = measured(scene(1, 96, pan=1), rate=48).motion
    slow = measured(scene(1, 96, pan=1)[::2], rate=24).motion
    assert fast == pytest.approx(slow, rel=0.02)


def test_grain_is_hardly_any_motion() -> None:
    grain = measured(scene(1, FRAMES, grain=8))
    assert (grain.motion or 0.0) < 0.01
    assert (grain.moving or 0.0) < 0.02


def test_a_blurred_copy_is_less_sharp_and_nothing_else() -> None:
    detailed = captioned(scene(1, FRAMES), "Fine print", scale=1.5)
    blurred = [np.asarray(cv2.GaussianBlur(picture, (0, 0), 4), dtype=np.uint8) for picture in detailed]
    sharp, soft = measured(detailed), measured(blurred)
    assert soft.sharpness < sharp.sharpness / 3
    assert soft.brightness == pytest.approx(sharp.brightness, abs=0.01)


def test_a_dark_copy_is_darker_and_less_contrasted() -> None:
    light, dark = measured(scene(1, FRAMES)), measured(scene(1, FRAMES, brightness=0.4))
    assert dark.brightness == pytest.approx(0.4 * light.brightness, abs=0.02)
    assert dark.contrast == pytest.approx(0.4 * light.contrast, abs=0.02)


def test_black_and_white_are_the_ends_of_the_scale() -> None:
    black, white = measured(plain(BLACK, FRAMES)), measured(plain(WHITE, FRAMES))
    assert (black.brightness, black.contrast, black.sharpness, black.black) == (0, 0, 0, 1)
    assert (white.brightness, white.black) == (1, 0)
    assert measured([*plain(BLACK, FRAMES), *plain(WHITE, FRAMES)]).black == pytest.approx(0.5)


def test_a_cut_is_no_motion() -> None:
    pictures = [*scene(1, FRAMES), *scene(2, FRAMES)]
    for start_ms, end_ms in ((0, 2000), (2000, 4000)):
        assert (measured(pictures, start_ms, end_ms).motion or 0.0) < 0.001


def shot(start_ms: int, end_ms: int) -> Shot:
    return Shot(
        segment_id=f"shot-{start_ms}",
        start_ms=start_ms,
        end_ms=end_ms,
        start_frame=0,
        end_frame=1,
        transition=Transition.CUT,
        confidence=1,
        keyframe=None,
    )


def test_each_shot_has_its_measures_unless_it_is_too_short_for_any() -> None:
    analyzer = MeasureAnalyzer()
    for frame in frames_of([*plain(BLACK, FRAMES), *plain(WHITE, FRAMES)]):
        analyzer.see(frame)
    shots = (shot(0, 2000), shot(2000, 2100), shot(2100, 2200), shot(2200, 4000))
    contents = Contents.of([Findings(shots=shots), analyzer.finish(4000)], 4000, {"shots"})
    dark, flash, gap, light = (one.measures for one in contents.timeline.shots)
    assert dark is not None
    assert dark.brightness == 0
    assert light is not None
    assert light.brightness == 1
    assert flash is not None
    assert flash.motion is None
    assert gap is None


def test_who_goes_on_from_a_state_measures_what_one_that_was_not_interrupted_does() -> None:
    frames = list(frames_of(scene(3, 96, pan=2)))
    whole, first, second = MeasureAnalyzer(), MeasureAnalyzer(), MeasureAnalyzer()
    for frame in frames:
        whole.see(frame)
    for frame in frames[:41]:
        first.see(frame)
    snapshot = take_snapshot(first.state())
    assert snapshot.frames == ()
    second.resume(read_state(snapshot.state, {}))
    for frame in frames[41:]:
        second.see(frame)
    assert second.finish(4000) == whole.finish(4000)
