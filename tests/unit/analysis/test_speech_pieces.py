"""Sound cut into pieces for a recognizer that hears a tone as a word."""

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.speech import SpeechAnalyzer, Utterance
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.videos.domain.results import ModelUsed, SpeechSegment

PACKET = 1024


class ToneRecognizer:
    """Every stretch above silence is one utterance, named by its loudness."""

    models: tuple[ModelUsed, ...] = ()

    def __init__(self) -> None:
        self.longest = 0.0

    def transcribe(self, samples: NDArray[np.float32]) -> list[Utterance]:
        self.longest = max(self.longest, samples.size / SAMPLE_RATE)
        loud = np.concatenate(([False], np.abs(samples) > 0.05, [False]))
        edges = np.flatnonzero(np.diff(loud.astype(np.int8)))
        return [
            Utterance(start / SAMPLE_RATE, end / SAMPLE_RATE, f"{samples[start]:.1f}", 0.9)
            for start, end in zip(edges[::2], edges[1::2], strict=True)
        ]


def sound(seconds: float, words: list[tuple[float, float, float]]) -> NDArray[np.int16]:
    samples = np.zeros(int(seconds * SAMPLE_RATE), dtype=np.int16)
    for start, end, loudness in words:
        samples[int(start * SAMPLE_RATE) : int(end * SAMPLE_RATE)] = round(loudness * 32768)
    return samples


def hear(analyzer: SpeechAnalyzer, samples: NDArray[np.int16], start_ms: float = 0) -> None:
    for begin in range(0, samples.size, PACKET):
        analyzer.hear(Sound(round(start_ms + begin * 1000 / SAMPLE_RATE), samples[begin : begin + PACKET]))


def told(segments: tuple[SpeechSegment, ...]) -> list[tuple[str, int, int]]:
    return [(segment.text, segment.start_ms, segment.end_ms) for segment in segments]


def test_utterances_keep_their_times_across_pieces() -> None:
    analyzer = SpeechAnalyzer(ToneRecognizer())
    hear(analyzer, sound(120, [(1, 3, 0.1), (50, 52, 0.2), (110, 111, 0.3)]))
    assert told(analyzer.finish(120_000).speech) == [
        ("0.1", 1000, 3000),
        ("0.2", 50_000, 52_000),
        ("0.3", 110_000, 111_000),
    ]


def test_speech_ends_with_the_video_however_long_its_sound_lasts() -> None:
    analyzer = SpeechAnalyzer(ToneRecognizer())
    hear(analyzer, sound(30, [(5, 10, 0.1), (19, 22, 0.2), (25, 27, 0.3)]))
    assert told(analyzer.finish(20_000).speech) == [("0.1", 5000, 10_000), ("0.2", 19_000, 20_000)]


def test_an_utterance_across_the_end_of_a_piece_stays_whole() -> None:
    analyzer = SpeechAnalyzer(ToneRecognizer())
    hear(analyzer, sound(60, [(5, 10, 0.1), (38, 43, 0.2)]))
    assert told(analyzer.finish(60_000).speech) == [("0.1", 5000, 10_000), ("0.2", 38_000, 43_000)]


def test_pieces_stay_short_however_long_the_sound_is() -> None:
    recognizer = ToneRecognizer()
    analyzer = SpeechAnalyzer(recognizer)
    hear(analyzer, sound(300, [(second, second + 6, 0.1) for second in range(0, 290, 7)]))
    assert len(analyzer.finish(300_000).speech) == 42
    assert recognizer.longest < 50


def test_sound_that_begins_late_is_told_late() -> None:
    analyzer = SpeechAnalyzer(ToneRecognizer())
    hear(analyzer, sound(5, [(1, 2, 0.1)]), start_ms=7000)
    assert told(analyzer.finish(20_000).speech) == [("0.1", 8000, 9000)]


def test_holes_in_the_sound_do_not_shift_what_follows() -> None:
    for hole_ms in (1000, 60_000):
        analyzer = SpeechAnalyzer(ToneRecognizer())
        hear(analyzer, sound(4, [(1, 2, 0.1)]))
        hear(analyzer, sound(4, [(1, 2, 0.2)]), start_ms=4000 + hole_ms)
        later = told(analyzer.finish(200_000).speech)[1]
        assert later == ("0.2", 5000 + hole_ms, 6000 + hole_ms)


def test_no_sound_is_no_speech() -> None:
    assert SpeechAnalyzer(ToneRecognizer()).finish(1000).speech == ()
