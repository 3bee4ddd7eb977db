"""The fast mode against PySceneDetect's command line: whole processes on the same files, in turns."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import av

from tests.evaluation import peers, sources
from tests.evaluation.library import Library

ROUNDS = 3
_RACED = ("trailer", "montage")
_REPEATED = 3
# Of less video the start of the processes is most of their time, which is shown but not held against anyone.
_SHORTEST_SECONDS = 30


@dataclass(frozen=True, slots=True)
class Lap:
    """Seconds of one process: on the wall, and of all processors together."""

    wall: float
    cpu: float


def slowest(library: Library, python: Path) -> float:
    """How many times as fast as the peer the fast mode is on the wall, on the clip where it is least so.

    Very short clips are raced and shown, but don't count.
    """
    rows = [("a race of whole processes", "seconds", "ours", "PySceneDetect's", "ratio", "of CPU time")]
    ratios: list[float] = []
    for name, path in _clips(library):
        ours = [sys.executable, "-m", "functions.analysis.measure", str(path), "--features", "shots", "--json"]
        our_best, their_best = _race(ours, peers.command_line(python, path))
        seconds, ratio = _seconds(path), their_best.wall / our_best.wall
        if seconds >= _SHORTEST_SECONDS:
            ratios.append(ratio)
        rows.append(
            (
                name,
                f"{seconds:.0f}",
                f"{our_best.wall:.2f} s",
                f"{their_best.wall:.2f} s",
                f"{ratio:.2f}×",
                f"{their_best.cpu / our_best.cpu:.2f}×",
            )
        )
    library.screen.line()
    library.screen.table(rows, right=range(1, 6), header=True)
    return min(ratios)


def _clips(library: Library) -> Iterable[tuple[str, Path]]:
    yield "bikes", sources.footage("bikes")
    for name in _RACED:
        yield name, library.clip(name).path
    longer = library.folder / "longer.mp4"
    _repeat(library.clip("trailer").path, longer)
    yield f"trailer, {_REPEATED} times", longer


def _race(ours: Sequence[str], theirs: Sequence[str]) -> tuple[Lap, Lap]:
    """The best lap of each, in either measure. Nobody's code is compiled within a lap."""
    laps: dict[bool, list[Lap]] = {True: [], False: []}
    for number in range(1 + ROUNDS):
        for is_ours, command in ((True, ours), (False, theirs)):
            lap = _lap(command)
            if number > 0:
                laps[is_ours].append(lap)
    ours_best, theirs_best = (
        Lap(min(lap.wall for lap in laps[one]), min(lap.cpu for lap in laps[one])) for one in (True, False)
    )
    return ours_best, theirs_best


def _lap(command: Sequence[str]) -> Lap:
    keeping_bytecode = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    begun, before = time.perf_counter(), _cpu_of_children()
    subprocess.run(command, env=keeping_bytecode, capture_output=True, check=True, timeout=600)
    return Lap(time.perf_counter() - begun, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _seconds(path: Path) -> float:
    with av.open(str(path)) as container:
        return (container.duration or 0) / 1_000_000


def _repeat(clip: Path, target: Path) -> None:
    """The packets of a clip, several times one after the other: as long as many are, and as hard to decode."""
    with av.open(str(clip)) as source, av.open(str(target), "w") as longer:
        streams = {
            stream.index: longer.add_stream_from_template(stream)
            for stream in (source.streams.video[0], source.streams.audio[0])
        }
        length = source.duration or 0
        for turn in range(_REPEATED):
            source.seek(0)
            for packet in source.demux(list(source.streams)):
                if packet.dts is None or packet.pts is None or packet.stream.index not in streams:
                    continue
                shift = round(turn * length / 1_000_000 / float(packet.time_base))
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = streams[packet.stream.index]
                longer.mux(packet)
