"""`python -m infra.local.benches [dispatch,command,…]`: the promised figures, each with its bar.

Each is measured together with its baseline in one run. Ends with 1 when a bar is missed. `lengths`, which analyses
26 minutes of video, is measured when it is named.
"""

import signal
import sys
from collections.abc import Callable

from infra.local.benches.bars import Bar, BenchFailed, verdict
from infra.local.benches.cold_start import bench_cold_start
from infra.local.benches.command import bench_command
from infra.local.benches.dispatch import bench_dispatch
from infra.local.benches.growth import bench_growth
from infra.local.benches.lengths import bench_lengths
from infra.local.benches.publishing import bench_publishing
from infra.local.benches.search import bench_search
from infra.local.benches.stack import bench_stack, bench_worker
from infra.local.client import ApiRefused, ApiUnreachable
from infra.local.clips import ClipUnavailable
from infra.local.demo import interrupt
from infra.local.install import InstallFailed
from infra.local.layout import Layout
from infra.local.screen import Screen

BENCHES: dict[str, Callable[[Screen, Layout], list[Bar]]] = {
    "dispatch": bench_dispatch,
    "command": bench_command,
    "publishing": bench_publishing,
    "growth": bench_growth,
    "search": bench_search,
    "cold": bench_cold_start,
    "worker": bench_worker,
    "stack": bench_stack,
    "lengths": bench_lengths,
}
_ONLY_WHEN_NAMED = {"lengths"}


def main(arguments: list[str]) -> int:
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGHUP, interrupt)
    wanted = [name for argument in arguments for name in argument.split(",")] or [
        name for name in BENCHES if name not in _ONLY_WHEN_NAMED
    ]
    if unknown := sorted(set(wanted) - BENCHES.keys()):
        print(f"There is no {', '.join(unknown)}; there are {', '.join(BENCHES)}.", file=sys.stderr)
        return 2
    screen, layout, bars = Screen(), Layout.of_this_checkout(), list[Bar]()
    layout.logs.mkdir(parents=True, exist_ok=True)
    try:
        for name in wanted:
            bars += BENCHES[name](screen, layout)
    except (ApiRefused, ApiUnreachable, BenchFailed, ClipUnavailable, InstallFailed) as error:
        screen.line(f"\n{screen.red('The benchmark failed.')} {error}")
        return 1
    except KeyboardInterrupt:
        screen.line("\nInterrupted.")
        return 130
    return verdict(screen, bars)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
