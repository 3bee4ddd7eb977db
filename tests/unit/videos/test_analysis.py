from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.billing.public import FeatureCode
from functions.videos.domain.analysis import Feature, deadline
from functions.videos.domain.pricing import CREDITS_PER_MINUTE, charge, quote

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
ALL = (Feature.SHOTS, Feature.TEXT, Feature.SPEECH)


@pytest.mark.parametrize(
    ("duration_ms", "minutes"), [(1, 1), (59_999, 1), (60_000, 1), (60_001, 2), (120_000, 2), (1_799_999, 30)]
)
def test_started_minutes_are_charged(duration_ms: int, minutes: int) -> None:
    assert quote(ALL, duration_ms) == {
        "video_analysis": minutes,
        "text_recognition": minutes,
        "transcription": minutes,
    }


def test_features_of_one_pool_add_up() -> None:
    assert quote((Feature.SHOTS, Feature.OBJECTS), 61_000) == {"video_analysis": 4}


def test_speech_of_a_video_without_sound_is_free() -> None:
    held = quote(ALL, 61_000, has_audio=False)

    assert held == {"video_analysis": 2, "text_recognition": 2}
    assert charge(ALL, 61_000, held) == held
    assert quote((Feature.SPEECH,), 61_000, has_audio=False) == {}


@given(
    asked=st.sets(st.sampled_from(Feature), min_size=1),
    done=st.sets(st.sampled_from(Feature)),
    announced_ms=st.integers(0, 10**8),
    found_ms=st.integers(0, 10**8),
)
def test_no_charge_is_above_what_was_held(
    asked: set[Feature], done: set[Feature], announced_ms: int, found_ms: int
) -> None:
    held = quote(asked, announced_ms)

    charged = charge(asked & done, found_ms, held)

    assert all(amount <= held[code] for code, amount in charged.items())
    assert (not charged) == (not asked & done)


def test_the_charge_is_for_the_length_that_was_found() -> None:
    held = quote(ALL, 125_000)

    assert charge(ALL, 59_000, held) == quote(ALL, 59_000)


def test_the_charge_is_never_above_what_was_agreed_to() -> None:
    held = quote(ALL, 59_000)

    assert charge(ALL, 3_600_000, held) == held


def test_every_feature_has_a_price_in_credits_that_billing_knows() -> None:
    assert set(CREDITS_PER_MINUTE) == set(Feature)
    assert {code for code, _ in CREDITS_PER_MINUTE.values()} <= set(FeatureCode)


def test_a_short_video_has_a_quarter_of_an_hour() -> None:
    assert deadline(NOON, 55_000) == NOON + timedelta(minutes=15)


def test_a_long_video_has_four_times_its_length() -> None:
    assert deadline(NOON, 30 * 60_000) == NOON + timedelta(hours=2)
