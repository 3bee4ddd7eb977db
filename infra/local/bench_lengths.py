"""`python -m infra.local.bench_lengths [MINUTES ...]`: how time and memory of an analysis grow with the video.

The trailer, repeated up to each length without being encoded anew, goes through the worker's pipeline in a process of
its own. Time has to be near-linear: what each further minute costs between the two longest, against between the two
shortest (in CPU time, which others on the machine disturb least; the loading of the models cancels out). Memory has to
stay within what a worker has, and the progress has to move on every five seconds.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from infra.local.clips import trailer

MINUTES = (1, 5, 20)
MOST_GROWTH = 1.25
MOST_MEBIBYTES = 2048
MOST_PAUSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Measured:
    minutes: float
    seconds: float
    cpu_seconds: float
    mebibytes: int
    pause_seconds: float

    @property
    def real_time_factor(self) -> float:
        return self.minutes * 60 / self.seconds

    def further_minute(self, shorter: "Measured") -> float:
        """CPU seconds for each minute that a shorter video lacks."""
        return (self.cpu_seconds - shorter.cpu_seconds) / (self.minutes - shorter.minutes)


def repeated(clip: Path, minutes: int, target: Path) -> Path:
    """The clip over and over, a little longer than so many minutes less a clip; its packets are copied."""
    import av

    with av.open(str(target), "w") as container:
        with av.open(str(clip)) as source:
            length = Fraction(source.duration or 0, 1_000_000)
            chosen = (source.streams.video[0], source.streams.audio[0])
            copies = {stream.index: container.add_stream_from_template(stream) for stream in chosen}
        for number in range(max(1, round(minutes * 60 / length))):
            with av.open(str(clip)) as source:
                for packet in source.demux(source.streams.video[0], source.streams.audio[0]):
                    if packet.dts is None or packet.pts is None or packet.time_base is None:
                        continue
                    shift = round(number * length / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    packet.stream = copies[packet.stream_index]
                    container.mux(packet)
    return target


def measure(path: Path) -> Measured:
    command = [
        sys.executable,
        "-m",
        "functions.analysis.measure",
        str(path),
        "--features",
        "shots,text,speech",
        "--json",
    ]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    figures: Mapping[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Measured(
        minutes=figures["duration_ms"] / 60_000,
        seconds=figures["wall_seconds"],
        cpu_seconds=figures["cpu_seconds"],
        mebibytes=figures["peak_mebibytes"],
        pause_seconds=figures["longest_pause_seconds"],
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="infra.local.bench_lengths", description=__doc__)
    parser.add_argument("minutes", type=int, nargs="*", default=MINUTES)
    lengths = sorted(parser.parse_args(arguments).minutes)
    measured: list[Measured] = []
    sys.stdout.write("  minutes   seconds   CPU seconds   real time   peak memory   longest pause of the progress\n")
    with tempfile.TemporaryDirectory(prefix="lengths-") as folder:
        for minutes in lengths:
            one = measure(repeated(trailer(), minutes, Path(folder) / f"{minutes}.mp4"))
            measured.append(one)
            sys.stdout.write(
                f"  {one.minutes:7.1f}  {one.seconds:8.1f}  {one.cpu_seconds:12.1f}  {one.real_time_factor:9.1f}x"
                f"  {one.mebibytes:8} MiB  {one.pause_seconds:8.1f} s\n"
            )
            sys.stdout.flush()
    return 0 if _holds(measured) else 1


def _holds(measured: Sequence[Measured]) -> bool:
    peak = max(one.mebibytes for one in measured)
    pause = max(one.pause_seconds for one in measured)
    sys.stdout.write(
        f"  at most {peak} MiB (bar {MOST_MEBIBYTES}), a pause of {pause:.1f} s (bar {MOST_PAUSE_SECONDS})\n"
    )
    holds = peak <= MOST_MEBIBYTES and pause <= MOST_PAUSE_SECONDS
    if len(measured) > 2:
        growth = measured[-1].further_minute(measured[-2]) / measured[1].further_minute(measured[0])
        sys.stdout.write(
            f"  a further minute of the longest costs {growth:.2f} of one of the shortest (bar {MOST_GROWTH})\n"
        )
        holds = holds and growth <= MOST_GROWTH
    return holds


if __name__ == "__main__":
    sys.exit(main())
