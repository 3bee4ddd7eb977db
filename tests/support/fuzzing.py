"""`python -m tests.support.fuzzing [--mutations 100] [--seed 1]`: unusual, hostile and damaged files through the
worker's pipeline.

One process takes one file after the other, as a worker's does; what it costs and how it ends is printed for each. It
fails when a file ends otherwise than completed or with a reason, takes too long, or too much memory.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Analyzer
from functions.analysis.analyzers.boundaries import ShotDetector
from functions.analysis.analyzers.shots import ShotAnalyzer
from functions.analysis.analyzers.speech import SpeechAnalyzer, Utterance
from functions.analysis.analyzers.sprite import SpriteAnalyzer
from functions.analysis.analyzers.text import Line, TextAnalyzer
from functions.analysis.decode import VideoInfo
from functions.analysis.documents import ResultStore
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.measure import FileCheckpoints, FolderResults
from functions.analysis.pipeline import Steps, Subject, Workplace, analyse
from functions.analysis.stopwatch import Stopwatch, peak_mebibytes
from functions.videos.domain.results import ModelUsed
from tests.support.hostile import hostile, mutated
from tests.support.unusual import no_videos, unusual

# A worker's deadline is a quarter of an hour at least; here it comes sooner.
DEADLINE_SECONDS = 8.0
# What one step may take beyond the deadline: a picture of 8K takes a while.
GRACE_SECONDS = 10.0
MOST_MEBIBYTES = 2048

KINDS = {"hostile": hostile, "unusual": unusual, "no-videos": no_videos}


class NoReader:
    models: tuple[ModelUsed, ...] = ()

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        return []

    def read_line(self, picture: NDArray[np.uint8]) -> str:
        return ""


class NoRecognizer:
    models: tuple[ModelUsed, ...] = ()

    def transcribe(self, samples: NDArray[np.float32]) -> list[Utterance]:
        return []


class NoEmbedder:
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 384), dtype=np.float32)


def make_analyzers(info: VideoInfo, results: ResultStore) -> Sequence[Analyzer]:
    """The real ones, without the models that they ask."""

    def save(name: str, picture: bytes) -> None:
        results.put(name, picture, "image/jpeg")

    return [
        ShotAnalyzer(ShotDetector(info.frame_rate), save),
        TextAnalyzer(NoReader(), interval_ms=500, side=960),
        SpeechAnalyzer(NoRecognizer()),
        SpriteAnalyzer(info.duration_ms, save),
    ]


def outcome_of(path: Path) -> str:
    begun = time.monotonic()

    def check() -> None:
        if time.monotonic() - begun > DEADLINE_SECONDS:
            raise AnalysisFailed(FailureReason.DEADLINE_EXCEEDED)

    steps = Steps(report=lambda share: None, check=check)
    workplace = Workplace(FolderResults(None), FileCheckpoints(None), steps, Stopwatch())
    try:
        manifest = analyse(
            path, Subject("w", "v", "a", ("shots", "text", "speech"), "fast"), make_analyzers, NoEmbedder(), workplace
        )
    except AnalysisFailed as failure:
        return failure.reason
    return " without ".join(["completed", *manifest.failed_features])


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.support.fuzzing", description=__doc__)
    parser.add_argument("--mutations", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kinds", nargs="*", choices=KINDS, default=list(KINDS), help="of the files that are made")
    options = parser.parse_args(arguments)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="fuzzing-") as name:
        folder = Path(name)
        made = chain.from_iterable(KINDS[kind](folder) for kind in options.kinds)
        for path in chain(made, mutated(folder, options.mutations, options.seed)):
            begun = time.monotonic()
            outcome = outcome_of(path)
            seconds = time.monotonic() - begun
            told = {
                "file": path.name,
                "outcome": outcome,
                "seconds": round(seconds, 2),
                "peak_mebibytes": peak_mebibytes(),
            }
            sys.stdout.write(json.dumps(told) + "\n")
            sys.stdout.flush()
            bad += seconds > DEADLINE_SECONDS + GRACE_SECONDS or peak_mebibytes() > MOST_MEBIBYTES
            path.unlink(missing_ok=True)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
