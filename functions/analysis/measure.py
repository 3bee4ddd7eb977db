"""`python -m functions.analysis.measure VIDEO`: the worker's pipeline on a local file, with what it cost."""

import argparse
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from functions.analysis.decode import CHUNK_MS, MAX_DURATION_MS
from functions.analysis.devices import usable_cores
from functions.analysis.failures import AnalysisFailed
from functions.analysis.job import AVAILABLE_FEATURES, Mode
from functions.analysis.models import load_analyzers, load_embedder
from functions.analysis.pipeline import Steps, Subject, Workplace, analyse
from functions.analysis.stopwatch import Stopwatch, peak_mebibytes
from functions.videos.domain.results import Manifest


class FolderResults:
    """Result files in a folder, or nowhere."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder

    def put(self, name: str, body: bytes, content_type: str) -> None:
        if self._folder is not None:
            path = self._folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(body)


class _Pace:
    """How long the progress stands still."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._share = 0.0
        self._moved = time.perf_counter()

    def report(self, share: float) -> None:
        if share > self._share:
            now = time.perf_counter()
            self.longest = max(self.longest, now - self._moved)
            self._share, self._moved = share, now


@dataclass(frozen=True, slots=True)
class Measurement:
    manifest: Manifest
    wall_seconds: float
    cpu_seconds: float
    peak_mebibytes: float
    longest_pause_seconds: float
    """Between two moves of the progress."""
    parts: dict[str, float]
    grown_mebibytes: dict[str, float]
    """By part, where they were weighed; see `Stopwatch`."""

    @property
    def real_time_factor(self) -> float:
        """Seconds of video per second on the wall, loading the models included."""
        return self.manifest.duration_ms / 1000 / self.wall_seconds


class FileCheckpoints:
    """The latest checkpoint in a file, or nowhere."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def load(self) -> bytes | None:
        return self._path.read_bytes() if self._path is not None and self._path.exists() else None

    def save(self, body: bytes) -> None:
        if self._path is not None:
            written = self._path.with_suffix(".new")
            written.write_bytes(body)
            written.replace(self._path)

    def clear(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)


NOWHERE = FileCheckpoints(None)


def measure(
    path: Path,
    features: tuple[str, ...],
    mode: Mode,
    results: FolderResults,
    checkpoints: FileCheckpoints = NOWHERE,
    chunk_ms: int = CHUNK_MS,
    *,
    weighs: bool = False,
) -> Measurement:
    wall, cpu = time.perf_counter(), time.process_time()
    stopwatch = Stopwatch(weighs=weighs)
    with stopwatch.measure("loading"):
        make_analyzers = load_analyzers(features, mode)
        embedder = load_embedder()
    subject = Subject("workspace", "video", "analysis", features, mode)
    pace = _Pace()
    steps = Steps(report=pace.report, check=lambda: None)
    # What isn't kept needn't be made.
    chunk_ms = MAX_DURATION_MS if checkpoints is NOWHERE else chunk_ms
    workplace = Workplace(results, checkpoints, steps, stopwatch, chunk_ms)
    manifest = analyse(path, subject, make_analyzers, embedder, workplace)
    return Measurement(
        manifest=manifest,
        wall_seconds=time.perf_counter() - wall,
        cpu_seconds=time.process_time() - cpu,
        peak_mebibytes=peak_mebibytes(),
        longest_pause_seconds=pace.longest,
        parts=stopwatch.spent,
        grown_mebibytes=stopwatch.grown,
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="functions.analysis.measure", description=__doc__)
    parser.add_argument("video", type=Path)
    parser.add_argument("--features", default="shots,text,speech")
    parser.add_argument("--mode", choices=get_args(Mode), default="fast")
    parser.add_argument("--results", type=Path, help="a folder for the result files")
    parser.add_argument("--checkpoint", type=Path, help="a file to go on from after an interruption")
    parser.add_argument("--chunk-ms", type=int, default=CHUNK_MS, help="how much video lies between checkpoints")
    parser.add_argument("--json", action="store_true", help="print figures for a program to read")
    options = parser.parse_args(arguments)
    if not options.video.is_file():
        parser.error(f"there is no file {options.video}")
    features = tuple(options.features.split(","))
    if unknown := set(features) - AVAILABLE_FEATURES:
        parser.error(f"there is no feature {', '.join(sorted(unknown))}, only {', '.join(sorted(AVAILABLE_FEATURES))}")
    try:
        measured = measure(
            options.video,
            features,
            options.mode,
            FolderResults(options.results),
            FileCheckpoints(options.checkpoint) if options.checkpoint else NOWHERE,
            options.chunk_ms,
            weighs=not options.json,
        )
    except AnalysisFailed as failure:
        sys.stderr.write(f"failed: {failure.reason}: {failure.detail}\n")
        return 1
    sys.stdout.write(_figures(measured) if options.json else _table(options.video.name, measured))
    return 0


def _figures(measured: Measurement) -> str:
    figures = {
        "duration_ms": measured.manifest.duration_ms,
        "wall_seconds": round(measured.wall_seconds, 3),
        "cpu_seconds": round(measured.cpu_seconds, 3),
        "real_time_factor": round(measured.real_time_factor, 2),
        "peak_mebibytes": round(measured.peak_mebibytes),
        "longest_pause_seconds": round(measured.longest_pause_seconds, 2),
        "cores": usable_cores(),
        "parts": {part: round(seconds, 3) for part, seconds in measured.parts.items()},
        "counts": measured.manifest.counts.model_dump(),
    }
    return json.dumps(figures) + "\n"


def _table(name: str, measured: Measurement) -> str:
    counts = measured.manifest.counts.model_dump()
    lines = [
        f"{name}: {measured.manifest.duration_ms / 1000:.1f} s of video, {usable_cores()} cores",
        f"  {'':<10} {'time':>8}  {'share':>5}  process grew by (what runs side by side isn't told apart)",
        *(
            f"  {part:<10} {seconds:6.2f} s  {seconds / measured.wall_seconds:5.0%}  "
            f"{measured.grown_mebibytes.get(part, 0.0):6.0f} MiB"
            for part, seconds in measured.parts.items()
        ),
        f"  {'in all':<10} {measured.wall_seconds:6.2f} s, {measured.cpu_seconds:.2f} s of CPU",
        f"  {measured.real_time_factor:.1f}x real time, peak memory {measured.peak_mebibytes:.0f} MiB",
        "  " + ", ".join(f"{count} {kind}" for kind, count in counts.items()),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
