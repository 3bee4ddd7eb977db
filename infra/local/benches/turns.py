"""CPU time, measured in turns, so that what else the machine does meets all alike. Only ratios of one run mean much."""

import statistics
import time
from collections.abc import Callable, Sequence


def cpu_microseconds(calls: Sequence[Callable[[], object]], *, repeat: int, rounds: int = 15) -> list[float]:
    """The median CPU time of each call in this process: `rounds` turns of `repeat` calls each, after one to warm up."""
    measured: list[list[float]] = [[] for _ in calls]
    for round_number in range(rounds + 1):
        for call, times in zip(calls, measured, strict=True):
            started = time.process_time_ns()
            for _ in range(repeat):
                call()
            if round_number:
                times.append((time.process_time_ns() - started) / repeat / 1000)
    return [statistics.median(times) for times in measured]
