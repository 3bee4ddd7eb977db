"""The demo's checks fail when an analysis misses what its video holds."""

from typing import Any

import pytest

from infra.local.expectations import CAPTIONS, CUTS, check_bird, check_captions, check_cuts, check_reading

RATE = 24.0


def as_found() -> list[dict[str, Any]]:
    return [{"text": caption, "start_ms": start, "end_ms": end} for caption, start, end in CAPTIONS]


def shots(frames: tuple[int, ...]) -> list[dict[str, Any]]:
    return [{"start_ms": round(frame * 1000 / RATE)} for frame in frames]


def test_captions_in_their_time_are_found_however_they_are_spelt() -> None:
    texts = as_found()
    texts[3]["text"] = "REVENGE is coming..."
    texts[0]["start_ms"] -= 500
    assert [check.held for check in check_captions(texts)] == [True] * 4


@pytest.mark.parametrize(
    "change", [{"start_ms": 9_500}, {"end_ms": 14_500}, {"text": "An unlucky bard"}, {"end_ms": 10_100}]
)
def test_a_caption_out_of_its_time_or_misread_is_not_found(change: dict[str, object]) -> None:
    texts = as_found()
    texts[0] |= change
    assert [check.held for check in check_captions(texts)] == [False, True, True, True]


def test_nothing_found_fails_every_check() -> None:
    assert not any(check.held for check in check_captions([]))
    assert not any(check.held for check in check_cuts([], RATE))
    assert not check_bird([]).held


def test_a_cut_is_found_within_three_frames() -> None:
    assert all(check.held for check in check_cuts(shots((0, *CUTS)), RATE))
    moved = shots((0, CUTS[0] + 3, CUTS[1] - 4, *CUTS[2:]))
    assert [check.held for check in check_cuts(moved, RATE)] == [True, False, True, True, True]


def test_the_bird_is_cited_only_by_a_moment_in_its_time() -> None:
    assert check_bird([{"start_ms": 10_000, "end_ms": 14_000}]).held
    assert not check_bird([{"start_ms": 16_000, "end_ms": 23_000}]).held
    assert not check_bird([{"start_ms": 0, "end_ms": 55_000}]).held


def test_the_reading_is_heard_when_nine_words_of_ten_are_in_their_order() -> None:
    read = "It was the best of times, it was the worst of times"
    heard = [{"text": "It was the best of times."}, {"text": "IT WAS the worst of rhymes"}]
    assert check_reading(heard, read).held
    assert not check_reading(heard[:1], read).held
    assert not check_reading([{"text": "times of worst the was it times of best the was it"}], read).held
    assert not check_reading([], read).held
