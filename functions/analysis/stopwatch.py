"""Where the time of an analysis goes, and how much memory it takes."""

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Stopwatch:
    """Seconds on the wall by part. (Asking for CPU time takes longer than most of what is measured here.)

    With `weighs` also by how many MiB the process grew while a part ran. What runs beside it makes it grow as well, and
    memory that was given back before is used again unseen, so these are hints; the process' peak is a fact.
    """

    weighs: bool = False
    spent: dict[str, float] = field(default_factory=dict)
    grown: dict[str, float] = field(default_factory=dict)
    begun: float = field(default_factory=time.perf_counter)

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self.begun

    @contextmanager
    def measure(self, part: str) -> Iterator[None]:
        before = resident_mebibytes() if self.weighs else 0.0
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.spent[part] = self.spent.get(part, 0.0) + time.perf_counter() - begun
            if self.weighs:
                self.grown[part] = self.grown.get(part, 0.0) + resident_mebibytes() - before


def resident_mebibytes() -> float:
    """The memory that this process has now; its peak, where the system doesn't tell."""
    try:
        pages = int(Path("/proc/self/statm").read_bytes().split()[1])
    except FileNotFoundError:
        return float(peak_mebibytes())
    return pages * resource.getpagesize() / (1024 * 1024)


def peak_mebibytes() -> int:
    """The most memory that this process has ever had."""
    status = Path("/proc/self/status")
    if not status.exists():
        # macOS, which counts bytes.
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1024 * 1024)
    # What `getrusage` tells on Linux is the most of whoever started the process, too.
    (peak,) = [line.split()[1] for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak) // 1024
