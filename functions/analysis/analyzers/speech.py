"""What is said, sentence by sentence."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Listener, Resumable
from functions.analysis.analyzers.stretch import Stretch
from functions.analysis.sound import SAMPLE_RATE, Sound
from functions.videos.domain.results import ModelUsed, SpeechSegment

# Sound is recognised in pieces, so that memory doesn't grow with the video and progress keeps moving. A little more
# than Whisper's own window of 30 s, of which silence takes a part.
_PIECE_SECONDS = 40
# Speech that runs into the end of a piece is heard again with what follows it.
_RUNS_ON_SECONDS = 0.7


@dataclass(frozen=True, slots=True)
class Utterance:
    """Seconds from the start of the piece."""

    start: float
    end: float
    text: str
    confidence: float


class SpeechRecognizer(Protocol):
    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    def transcribe(self, samples: NDArray[np.float32]) -> list[Utterance]: ...


class SpeechAnalyzer(Listener, Resumable):
    name = "speech"
    features = frozenset({"speech"})
    slow = True
    lent = frozenset({"_recognizer"})

    def __init__(self, recognizer: SpeechRecognizer) -> None:
        self._recognizer = recognizer
        self._stretch = Stretch()
        self._segments: list[SpeechSegment] = []

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._recognizer.models

    def hear(self, sound: Sound) -> None:
        if not self._stretch.is_continued_by(sound):
            self._recognize(final=True)
        self._stretch.append(sound)
        if len(self._stretch) >= _PIECE_SECONDS * SAMPLE_RATE:
            self._recognize(final=False)

    def finish(self, duration_ms: int) -> Findings:
        self._recognize(final=True)
        # Sound often lasts a little longer than the pictures do.
        return Findings(
            speech=tuple(
                segment.model_copy(update={"end_ms": min(segment.end_ms, duration_ms)})
                for segment in self._segments
                if segment.start_ms < duration_ms
            )
        )

    def _recognize(self, *, final: bool) -> None:
        if not len(self._stretch):
            return
        samples = self._stretch.samples()
        seconds = samples.size / SAMPLE_RATE
        utterances = self._recognizer.transcribe(samples.astype(np.float32) / np.float32(32768))
        kept = samples.size
        if not final and len(utterances) > 1 and utterances[-1].end > seconds - _RUNS_ON_SECONDS:
            kept = int(utterances.pop().start * SAMPLE_RATE)
        for utterance in utterances:
            self._add(utterance)
        self._stretch.drop(kept)

    def _add(self, utterance: Utterance) -> None:
        earliest = self._segments[-1].end_ms if self._segments else 0
        start_ms = max(earliest, round(self._stretch.start_ms + utterance.start * 1000))
        end_ms = round(self._stretch.start_ms + utterance.end * 1000)
        if end_ms <= start_ms:
            return
        self._segments.append(
            SpeechSegment(
                segment_id=f"speech-{len(self._segments) + 1:04}",
                start_ms=start_ms,
                end_ms=end_ms,
                text=utterance.text,
                confidence=round(min(1.0, utterance.confidence), 3),
            )
        )
