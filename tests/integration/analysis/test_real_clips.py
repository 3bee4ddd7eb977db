"""The analyzers with their real models on real clips whose contents are known."""

import itertools
import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from numpy.typing import NDArray

from functions.analysis.analyzers.ocr import RapidOcrReader
from functions.analysis.analyzers.speech import SpeechAnalyzer
from functions.analysis.analyzers.text import TextAnalyzer
from functions.analysis.analyzers.whisper import WhisperRecognizer
from functions.analysis.measure import FolderResults, measure
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.videos.domain.results import SoundKind, Sounds, Texts, Timeline, Transcript, Transition
from infra.local.clips import trailer, two_cities
from tests.support.clips import captioned, frames_of, music, read_sound, scene, write_clip

pytestmark = pytest.mark.clips

SCHEMA = json.loads((Path(__file__).parents[3] / "functions" / "videos" / "analysis.schema.json").read_text())

RATE = 24
HARD_CUTS = (593, 864, 900, 988, 1049)
FADES = (240, 336, 769, 1245)
# Read off single frames: from the first to the last in which the words can be made out at all.
CAPTIONS = {
    "An unlucky bird": (10.1, 13.9),
    "A (slightly overweight) bunny": (16.1, 22.9),
    "And three rodent pests": (32.1, 35.8),
    "Revenge is coming": (47.2, 51.3),
}


@pytest.fixture(scope="module")
def analysed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trailer")
    measure(trailer(), ("shots", "text", "speech"), "fast", FolderResults(folder))
    return folder


def test_the_results_are_as_their_published_schema_says(analysed: Path) -> None:
    results = json.loads((analysed / "analysis.json").read_text())
    assert results["manifest"]["counts"]["shots"] == len(results["timeline"]["shots"]) > 0
    assert results["texts"]["texts"]
    assert json.loads((analysed / "analysis.schema.json").read_text()) == SCHEMA
    Draft202012Validator(SCHEMA).validate(results)


def test_the_cuts_of_the_trailer_are_found_and_little_else(analysed: Path) -> None:
    shots = Timeline.model_validate_json((analysed / "timeline.json").read_bytes()).shots
    cuts = [shot.start_frame for shot in shots if shot.transition is Transition.CUT]
    fades = [shot.start_frame for shot in shots if shot.transition is Transition.FADE]
    for expected in HARD_CUTS:
        assert any(abs(cut - expected) <= 3 for cut in cuts), expected
    for expected in FADES:
        assert any(abs(fade - expected) <= 8 for fade in fades), expected
    assert len(shots) <= 1 + len(HARD_CUTS) + len(FADES) + 1
    assert all(shot.keyframe is not None and (analysed / shot.keyframe).stat().st_size > 2000 for shot in shots)


@pytest.mark.parametrize("caption", CAPTIONS)
def test_the_captions_of_the_trailer_are_found_in_their_time(analysed: Path, caption: str) -> None:
    texts = Texts.model_validate_json((analysed / "texts.json").read_bytes()).texts
    (found,) = [text for text in texts if caption in text.text]
    start, end = CAPTIONS[caption]
    assert abs(found.start_ms / 1000 - start) <= 0.5
    assert abs(found.end_ms / 1000 - end) <= 0.5


def test_music_is_not_transcribed(analysed: Path) -> None:
    assert Transcript.model_validate_json((analysed / "transcript.json").read_bytes()).segments == ()


def test_the_music_of_the_trailer_is_heard(analysed: Path) -> None:
    sounds = Sounds.model_validate_json((analysed / "sounds.json").read_bytes()).sounds
    music_ms = sum(one.end_ms - one.start_ms for one in sounds if one.kind is SoundKind.MUSIC)
    other_ms = sum(one.end_ms - one.start_ms for one in sounds if one.kind is not SoundKind.MUSIC)
    assert music_ms > 45_000
    assert other_ms < 2_000


def words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text).casefold()
    return re.findall(r"[a-z0-9']+", plain)


def word_errors(heard: Sequence[str], said: Sequence[str]) -> int:
    """Substitutions, insertions and deletions (Levenshtein)."""
    row = list(range(len(said) + 1))
    for position, word in enumerate(heard, start=1):
        previous, row[0] = row[0], position
        for column, expected in enumerate(said, start=1):
            previous, row[column] = (
                row[column],
                min(row[column] + 1, row[column - 1] + 1, previous + (word != expected)),
            )
    return row[-1]


@pytest.fixture(scope="module")
def recognizer() -> WhisperRecognizer:
    return WhisperRecognizer(threads=2)


def hear(recognizer: WhisperRecognizer, samples: NDArray[np.int16]) -> SpeechAnalyzer:
    analyzer = SpeechAnalyzer(recognizer)
    for start in range(0, samples.size, 1024):
        analyzer.hear(Sound(round(start * 1000 / SAMPLE_RATE), samples[start : start + 1024]))
    return analyzer


def test_at_most_fifteen_percent_of_the_words_are_wrong(recognizer: WhisperRecognizer) -> None:
    path, text = two_cities()
    segments = hear(recognizer, read_sound(path)).finish(60_000).speech
    heard, said = words(" ".join(segment.text for segment in segments)), words(text)
    assert word_errors(heard, said) / len(said) <= 0.15
    assert len(segments) >= 5
    assert all(one.end_ms <= other.start_ms for one, other in itertools.pairwise(segments))


def test_speech_amid_music_is_heard_where_it_is(recognizer: WhisperRecognizer) -> None:
    speech = read_sound(two_cities()[0])[: 13 * SAMPLE_RATE]
    bed = music(50, rate=SAMPLE_RATE) // 4
    samples = np.concatenate([bed[: 25 * SAMPLE_RATE], speech, bed[: 20 * SAMPLE_RATE]])
    segments = hear(recognizer, samples).finish(58_000).speech
    text = " ".join(segment.text for segment in segments)
    assert "age of wisdom" in text
    assert all(segment.start_ms >= 24_000 and segment.end_ms <= 39_000 for segment in segments)


@pytest.mark.parametrize("kind", ["music", "noise", "silence"])
def test_nothing_is_made_up_where_nobody_speaks(recognizer: WhisperRecognizer, kind: str) -> None:
    samples = {
        "music": music(20, rate=SAMPLE_RATE),
        "noise": np.random.default_rng(1).normal(0, 3000, 20 * SAMPLE_RATE).astype(np.int16),
        "silence": np.zeros(20 * SAMPLE_RATE, dtype=np.int16),
    }[kind]
    assert hear(recognizer, samples).finish(20_000).speech == ()


def test_captions_on_moving_pictures_are_read_with_their_intervals() -> None:
    take = scene(3, 240, width=640, height=360, pan=2)
    pictures = take[:50] + captioned(take[50:110], "Doors open at nine") + take[110:150]
    pictures += captioned(take[150:210], "Mind the closing gate") + take[210:]
    analyzer = TextAnalyzer(RapidOcrReader(480, 2), interval_ms=500, side=960)
    for frame in frames_of(pictures, RATE):
        analyzer.see(frame)
    first, second = analyzer.finish(10_000).texts
    assert words(first.text) == words("Doors open at nine")
    assert words(second.text) == words("Mind the closing gate")
    for found, begin, end in ((first, 50, 110), (second, 150, 210)):
        assert abs(found.start_ms - begin * 1000 / RATE) <= 200
        assert abs(found.end_ms - end * 1000 / RATE) <= 200


def peak_of(path: Path) -> int:
    """MiB, of a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "functions.analysis.measure", str(path), "--json", "--features", "shots,text,speech"],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    peak: int = json.loads(done.stdout)["peak_mebibytes"]
    return peak


def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path: Path) -> None:
    take = captioned(scene(1, 96, pan=1), "An unlucky bird")
    short = write_clip(tmp_path / "short.mp4", take * 5, sound=music(20))
    long = write_clip(tmp_path / "long.mp4", (picture for _ in range(25) for picture in take), sound=music(100))
    # Kept, the decoded pictures would be 160 MiB more, each time. How threads happen to meet can add some tens, once.
    most = peak_of(short) + 60
    assert any(peak_of(long) < most for _ in range(2))
