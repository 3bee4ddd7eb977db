"""How time and memory of an analysis grow with the video.

The trailer's pictures over and over, not encoded anew, with speech of another length over and over, go through the
worker's pipeline in a process of its own. Time has to be near-linear: what each further minute costs between the two
longest, against between the two shortest (in CPU time, which others on the machine disturb least; the loading of the
models cancels out). Memory has to stay within what a worker has, and as it was when the analysis had settled down. The
progress has to move on every five seconds.

`python -m infra.local.benches.lengths [MINUTES ...] [--features shots,text,speech]` measures other lengths.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import count
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING, Any

from infra.local.benches.bars import Bar, BenchFailed, at_most, verdict
from infra.local.clips import trailer, two_cities
from infra.local.layout import Layout
from infra.local.screen import Screen

if TYPE_CHECKING:
    from av.container import OutputContainer

MINUTES = (1, 5, 20)
DEFAULT_FEATURES = "shots,text,speech"
MOST_GROWTH = 1.25
MOST_MEBIBYTES = 2048
MOST_FURTHER_MEBIBYTES = 64
MOST_PAUSE_SECONDS = 5.0

_SAMPLED_EVERY_SECONDS = 1.0
_SOUND_RATE = 16_000
_SOUND_FRAME = 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """`memory` is what the process had in memory, in MiB, a sample a second."""

    minutes: float
    seconds: float
    cpu_seconds: float
    peak_mebibytes: int
    pause_seconds: float
    memory: Sequence[int]

    @property
    def real_time_factor(self) -> float:
        return self.minutes * 60 / self.seconds

    @property
    def settled_mebibytes(self) -> float:
        """In the second quarter of its time: the models are loaded and have been at work."""
        return statistics.median(self._quarter(1))

    @property
    def last_mebibytes(self) -> float:
        return statistics.median(self._quarter(3))

    def further_minute(self, shorter: "Measured") -> float:
        """CPU seconds for each minute that a shorter video lacks."""
        return (self.cpu_seconds - shorter.cpu_seconds) / (self.minutes - shorter.minutes)

    def _quarter(self, number: int) -> Sequence[int]:
        samples = len(self.memory)
        return self.memory[samples * number // 4 : max(1, samples * (number + 1) // 4)]


def bench_lengths(screen: Screen, _layout: Layout) -> list[Bar]:
    return measure_lengths(screen, MINUTES, DEFAULT_FEATURES)


def measure_lengths(screen: Screen, minutes: Sequence[int], features: str) -> list[Bar]:
    measured: list[Measured] = []
    with tempfile.TemporaryDirectory(prefix="lengths-") as folder:
        for length in sorted(minutes):
            with screen.step(f"analysing {length} min of video ({features})") as step:
                measured.append(_measure(compose(length, Path(folder) / f"{length}.mp4"), features))
                step.outcome = f"analysed {measured[-1].minutes:.1f} min of video ({features})"
    header = ("minutes", "seconds", "CPU seconds", "real time", "memory: 2nd quarter", "last", "peak", "longest pause")
    screen.table([header, *(_row(one) for one in measured)], right=range(len(header)), header=True)
    return list(_bars(measured))


def compose(minutes: int, target: Path) -> Path:
    """A video of about so many minutes, of whole trailers, in which somebody speaks all the time."""
    import av

    with av.open(str(target), "w") as container:
        with av.open(str(trailer())) as source:
            length = Fraction(source.duration or 0, 1_000_000)
            pictures = container.add_stream_from_template(source.streams.video[0])
        speech = _speech(container)
        # The track has to be there before the first packet.
        spoken = next(speech)
        for number in range(max(1, round(minutes * 60 / length))):
            with av.open(str(trailer())) as source:
                for packet in source.demux(source.streams.video[0]):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    shift = round(number * length / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts + shift, packet.dts + shift, pictures
                    # Sound lies beside the pictures that it belongs to, as in any file.
                    while spoken < packet.dts * packet.time_base:
                        spoken = next(speech)
                    container.mux(packet)
        speech.close()
    return target


def _speech(container: "OutputContainer") -> Generator[Fraction, None, None]:
    """A sound track that grows with each step, and tells how far it has come in seconds."""
    import av
    import numpy as np

    resampler = av.AudioResampler(format="s16", layout="mono", rate=_SOUND_RATE)
    with av.open(str(two_cities()[0])) as source:
        pieces = [piece for frame in source.decode(audio=0) for piece in resampler.resample(frame)]
    said = np.concatenate([np.asarray(piece.to_ndarray(), dtype=np.int16).reshape(-1) for piece in pieces])
    track = container.add_stream("aac", rate=_SOUND_RATE, layout="mono")
    assert isinstance(track, av.AudioStream)
    try:
        for start in count(step=_SOUND_FRAME):
            samples = said[np.arange(start, start + _SOUND_FRAME) % said.size]
            frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
            frame.rate, frame.pts, frame.time_base = _SOUND_RATE, start, Fraction(1, _SOUND_RATE)
            container.mux(track.encode(frame))
            yield Fraction(start + _SOUND_FRAME, _SOUND_RATE)
    finally:
        container.mux(track.encode(None))


def _measure(path: Path, features: str) -> Measured:
    command = [sys.executable, "-m", "functions.analysis.measure", str(path), "--features", features, "--json"]
    # As a worker does, which may be interrupted.
    command += ["--checkpoint", str(path.with_suffix(".checkpoint"))]
    memory: list[int] = []
    with (
        tempfile.TemporaryFile("w+") as printed,
        subprocess.Popen(command, stdout=printed, cwd=Layout.of_this_checkout().checkout) as process,
    ):
        try:
            for moment in count():
                begun = monotonic()
                resident = _resident_mebibytes(process.pid)
                if process.poll() is not None:
                    break
                if resident is not None and moment:
                    memory.append(resident)
                sleep(max(0.0, begun + _SAMPLED_EVERY_SECONDS - monotonic()))
        except BaseException:
            process.terminate()
            raise
        if process.returncode != 0:
            raise BenchFailed(f"the analysis ended with {process.returncode}")
        printed.seek(0)
        figures: Mapping[str, Any] = json.loads(printed.read().splitlines()[-1])
    return Measured(
        minutes=figures["duration_ms"] / 60_000,
        seconds=figures["wall_seconds"],
        cpu_seconds=figures["cpu_seconds"],
        peak_mebibytes=figures["peak_mebibytes"],
        pause_seconds=figures["longest_pause_seconds"],
        memory=memory or [figures["peak_mebibytes"]],
    )


def _resident_mebibytes(process_id: int) -> int | None:
    """None once the process has ended."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(process_id)], capture_output=True, text=True, check=False)
    return int(told.stdout) // 1024 if told.stdout.strip() else None


def _row(one: Measured) -> tuple[str, ...]:
    return (
        f"{one.minutes:.1f}",
        f"{one.seconds:.0f}",
        f"{one.cpu_seconds:.0f}",
        f"{one.real_time_factor:.1f}×",
        f"{one.settled_mebibytes:.0f} MiB",
        f"{one.last_mebibytes:.0f} MiB",
        f"{one.peak_mebibytes} MiB",
        f"{one.pause_seconds:.1f} s",
    )


def _bars(measured: Sequence[Measured]) -> Iterator[Bar]:
    longest = measured[-1]
    peak = max(one.peak_mebibytes for one in measured)
    yield at_most("analysis, peak memory at any length", peak, MOST_MEBIBYTES, digits=0, unit=" MiB")
    further = longest.last_mebibytes - longest.settled_mebibytes
    yield at_most("the longest, memory gained over its time", further, MOST_FURTHER_MEBIBYTES, digits=0, unit=" MiB")
    pause = max(one.pause_seconds for one in measured)
    yield at_most("longest pause of the progress", pause, MOST_PAUSE_SECONDS, digits=1, unit=" s")
    if len(measured) > 2:
        growth = longest.further_minute(measured[-2]) / measured[1].further_minute(measured[0])
        yield at_most("a further minute of the longest, of the shortest", growth, MOST_GROWTH)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="infra.local.benches.lengths", description=__doc__)
    parser.add_argument("minutes", type=int, nargs="*", default=MINUTES)
    parser.add_argument("--features", default=DEFAULT_FEATURES)
    options = parser.parse_args(arguments)
    screen = Screen()
    return verdict(screen, measure_lengths(screen, options.minutes, options.features))


if __name__ == "__main__":
    sys.exit(main())
