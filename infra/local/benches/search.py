"""Searching workspaces of 10, 100 and 1,000 videos, and looking through all of their moments without an index."""

import json
import sys

from infra.local.benches.bars import Bar, at_most, output
from infra.local.layout import Layout
from infra.local.screen import Screen

MAX_P95_MS = 300.0
LIMIT_SECONDS = 1_200.0


def bench_search(screen: Screen, _layout: Layout) -> list[Bar]:
    with screen.step("searching libraries of 10, 100 and 1,000 videos"):
        printed = output([sys.executable, "-m", "tests.benchmarks.search", "--json"], LIMIT_SECONDS)
    sizes = [json.loads(line) for line in printed.splitlines()]
    shown = (
        ("first search, CPU ms", "first_ms"),
        ("median, CPU ms", "median_ms"),
        ("p95, CPU ms", "p95_ms"),
        ("p95 after a video came, CPU ms", "arrival_p95_ms"),
        ("p95 on the wall, ms", "wall_p95_ms"),
        ("of that in DynamoDB and S3 (moto), ms", "calls_p95_ms"),
        ("calls of them", "calls"),
        ("looking through all moments, CPU ms", "scan_median_ms"),
        ("memory, MiB", "mebibytes"),
    )
    rows = [(name, *(f"{size[field]:,.0f}" for size in sizes)) for name, field in shown]
    header = ("", *(f"{size['videos']:,} videos" for size in sizes))
    screen.table([header, *rows], right=(1, 2, 3), header=True)
    last = sizes[-1]
    of = f"of {last['videos']:,} videos"
    slowest = max(last["p95_ms"], last["arrival_p95_ms"])
    return [
        at_most(f"a search {of}, p95 of CPU", slowest, MAX_P95_MS, digits=0, unit=" ms"),
        at_most(f"a search {of}, of looking through all", last["median_ms"] / last["scan_median_ms"], 1.0),
        at_most(f"memory of a search {of}", last["mebibytes"], last["memory_mb"], digits=0, unit=" MiB"),
    ]
