"""Where the time of an analysis goes, and how much memory it takes."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Stopwatch:
    """Seconds on the wall by part. (Asking for CPU time takes longer than most of what is measured here.)"""

    spent: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.begun

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent[part] = self.spent.get(part, 0.0) + time.perf_counter() - begun


def peak_mebibytes() -> int:
    """The most memory that this process has ever had."""
    status = Path("/proc/self/status")
    if not status.exists():
        # macOS, which counts bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024)
    # What `getrusage` tells on Linux is the most of whoever started the process, too.
    (peak,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak) // 1024
