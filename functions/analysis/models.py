"""The analyzers of a job with their models, loaded side by side."""

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.analysis.analyzers import Analyzer
from functions.analysis.analyzers.shots import ShotAnalyzer
from functions.analysis.analyzers.speech import SpeechAnalyzer, SpeechRecognizer
from functions.analysis.analyzers.sprite import SpriteAnalyzer
from functions.analysis.analyzers.text import TextAnalyzer, TextReader
from functions.analysis.job import Mode

if TYPE_CHECKING:
    from functions.analysis.decode import VideoInfo
    from functions.analysis.documents import Embedder, ResultStore


@dataclass(frozen=True, slots=True)
class _Effort:
    text_interval_ms: int
    text_side: int
    text_detection_side: int
    beam_size: int


_EFFORT: dict[Mode, _Effort] = {
    "fast": _Effort(text_interval_ms=500, text_side=960, text_detection_side=480, beam_size=1),
    "accurate": _Effort(text_interval_ms=250, text_side=1600, text_detection_side=960, beam_size=5),
}


def load_analyzers(features: Iterable[str], mode: Mode) -> "Callable[[VideoInfo, ResultStore], Sequence[Analyzer]]":
    """Loads what the features need and returns what makes the analyzers of a video."""
    wanted = frozenset(features)
    effort = _EFFORT[mode]
    with ThreadPoolExecutor(max_workers=2) as pool:
        reading = pool.submit(_load_reader, effort) if "text" in wanted else None
        recognizing = pool.submit(_load_recognizer, effort) if "speech" in wanted else None
        reader = reading.result() if reading else None
        recognizer = recognizing.result() if recognizing else None

    def make(info: "VideoInfo", results: "ResultStore") -> Sequence[Analyzer]:
        def save_picture(name: str, picture: bytes) -> None:
            results.put(name, picture, "image/jpeg")

        analyzers: list[Analyzer] = []
        if "shots" in wanted:
            analyzers.append(ShotAnalyzer(info.frame_rate, save_picture))
        if reader is not None:
            analyzers.append(TextAnalyzer(reader, effort.text_interval_ms, effort.text_side))
        if recognizer is not None:
            analyzers.append(SpeechAnalyzer(recognizer))
        analyzers.append(SpriteAnalyzer(info.duration_ms, save_picture))
        return analyzers

    return make


def load_embedder() -> "Embedder":
    from functions.videos.adapters.embedding import MiniLmEmbedder

    return MiniLmEmbedder()


def usable_cores() -> int:
    """Of this process, which in a container are fewer than the machine's."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _load_reader(effort: _Effort) -> TextReader:
    from functions.analysis.analyzers.ocr import RapidOcrReader

    # Decoding has the other half. The runtime's threads spin while they wait for each other, so more would cost more.
    return RapidOcrReader(effort.text_detection_side, max(1, usable_cores() // 2))


def _load_recognizer(effort: _Effort) -> SpeechRecognizer:
    from functions.analysis.analyzers.whisper import WhisperRecognizer

    return WhisperRecognizer(effort.beam_size, usable_cores())
