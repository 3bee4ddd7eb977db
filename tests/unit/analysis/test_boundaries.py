"""Where one take ends and the next begins, on compositions whose cuts are known."""

import numpy as np
import pytest

from functions.analysis.analyzers.boundaries import EMPTY, Boundary, ShotDetector, contrast
from functions.videos.domain.results import Transition
from tests.support.clips import Picture, captioned, faded, frames_of, plain, scene


def boundaries(pictures: list[Picture], rate: float = 24.0) -> list[Boundary]:
    detector = ShotDetector(rate)
    found = [detector.push(frame) for frame in frames_of(pictures, rate)]
    return [boundary for boundary in found if boundary is not None] + detector.finish()


def starts(pictures: list[Picture], rate: float = 24.0) -> list[int]:
    return [boundary.frame for boundary in boundaries(pictures, rate)]


def test_hard_cuts_are_found_at_their_frame() -> None:
    assert starts(scene(1, 30) + scene(2, 40) + scene(3, 30)) == [30, 70]


def test_a_cut_near_the_end_is_found() -> None:
    assert starts(scene(1, 30) + scene(2, 7)) == [30]


@pytest.mark.parametrize("grain", [5.0, 15.0, 30.0])
def test_grain_neither_makes_nor_hides_a_cut(grain: float) -> None:
    assert starts(scene(1, 40, grain=grain) + scene(2, 40, grain=grain)) == [40]


@pytest.mark.parametrize("pan", [2, 6, 14])
def test_a_pan_is_no_cut_and_hides_none(pan: int) -> None:
    assert starts(scene(1, 40, pan=pan) + scene(2, 40, pan=pan)) == [40]


def test_a_pan_that_starts_and_stops_is_no_cut() -> None:
    moving = scene(1, 20, pan=12)
    assert starts([moving[0]] * 20 + moving + [moving[-1]] * 20) == []


@pytest.mark.parametrize("length", [1, 2, 4])
@pytest.mark.parametrize("brightness", [255, 0])
def test_a_flash_or_a_drop_out_is_no_cut(length: int, brightness: int) -> None:
    take = scene(1, 60, pan=1)
    for number in range(30, 30 + length):
        take[number] = np.full_like(take[number], brightness)
    assert starts(take) == []


def test_a_photographers_flash_that_only_brightens_is_no_cut() -> None:
    take = scene(1, 60, brightness=0.6)
    for number, gain in ((30, 1.9), (31, 1.6), (32, 1.2)):
        take[number] = np.clip(take[number] * gain, 0, 255).astype(np.uint8)
    assert starts(take) == []


def test_lights_going_on_are_no_cut() -> None:
    assert starts(scene(1, 30, brightness=0.5) + scene(1, 30, brightness=1.0)) == []


@pytest.mark.parametrize("colour", [0, 255])
def test_a_fade_through_one_colour_is_one_boundary(colour: int) -> None:
    before, after = scene(1, 60), scene(2, 60)
    pictures = (
        before[:40]
        + faded(before[40:], leaving=True, colour=colour)
        + faded(after[:20], leaving=False, colour=colour)
        + after[20:]
    )
    found = boundaries(pictures)
    assert [boundary.transition for boundary in found] == [Transition.FADE]
    assert abs(found[0].frame - 60) <= 3


def test_a_fade_with_a_pause_in_black_is_one_boundary_in_the_pause() -> None:
    before, after = scene(1, 50), scene(2, 50)
    pictures = (
        before[:30]
        + faded(before[30:], leaving=True)
        + plain((0, 0, 0), 36)
        + faded(after[:20], leaving=False)
        + after[20:]
    )
    found = boundaries(pictures)
    assert [boundary.transition for boundary in found] == [Transition.FADE]
    assert 48 <= found[0].frame <= 88


def test_fading_in_at_the_start_and_out_at_the_end_is_no_boundary() -> None:
    take = scene(1, 80)
    assert starts(faded(take[:20], leaving=False) + take[20:60] + faded(take[60:], leaving=True)) == []


def test_dark_takes_are_cut_apart() -> None:
    assert starts(scene(1, 30, brightness=0.2) + scene(2, 30, brightness=0.2)) == [30]


def test_plain_colours_are_cut_apart() -> None:
    pictures = plain((200, 30, 30), 30) + plain((30, 60, 200), 30) + plain((30, 160, 60), 30)
    assert starts(pictures) == [30, 60]


def test_a_caption_coming_and_going_is_no_cut() -> None:
    take = scene(1, 90)
    assert starts(take[:30] + captioned(take[30:60], "An unlucky bird", scale=1.1) + take[60:]) == []


def test_slow_frame_rates_are_cut_too() -> None:
    assert starts(scene(1, 4) + scene(2, 5) + scene(3, 5), rate=2.0) == [4, 9]


def test_cuts_in_quick_succession_are_told_apart() -> None:
    pictures = [picture for seed in range(1, 7) for picture in scene(seed, 9)]
    assert starts(pictures) == [9, 18, 27, 36, 45]


def test_one_take_that_moves_throughout_has_no_boundary() -> None:
    take = scene(4, 150, pan=5, grain=8)
    for number, picture in enumerate(take):
        # Something large crosses the picture.
        left = number * 3
        picture[40:140, left : left + 80] = (240, 200, 40)
    assert starts(take) == []


def test_a_slow_fade_out_and_a_quick_fade_in_part_where_nothing_is_left() -> None:
    dim = scene(1, 90, brightness=0.15)
    pictures = dim[:30] + faded(dim[30:], leaving=True) + plain((0, 0, 0), 2)
    pictures += faded(scene(2, 50)[:12], leaving=False) + scene(2, 50)[12:]
    (boundary,) = boundaries(pictures)
    assert boundary.transition is Transition.FADE
    assert 88 <= boundary.frame <= 95


def test_light_that_wanes_and_returns_is_no_fade() -> None:
    take = scene(1, 80)
    levels = 0.13 + 0.06 * np.cos(np.linspace(0, 2 * np.pi, len(take)))
    waning = [(picture * level).astype(np.uint8) for picture, level in zip(take, levels, strict=True)]
    contrasts = [contrast(frame.thumbnail) for frame in frames_of(waning)]
    # As the eye would have it nothing is to be seen in the middle, but it isn't black either.
    assert min(contrasts) > EMPTY
    assert starts(waning) == []


def test_a_flash_soon_after_a_cut_does_not_hide_it() -> None:
    second = scene(2, 40, pan=1)
    second[6] = np.full_like(second[6], 255)
    assert starts(scene(1, 40) + second) == [40]
