"""`python -m infra.local.bench_blocks`: what the building blocks cost, beside their peers, in one run.

1. The dispatch of a message with 0, 3 and 8 behaviors, against a chain written by hand and five other mediators.
2. The log line of a command, in CPU time.
3. The modules that a command's function has loaded once it can talk to DynamoDB.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.bench_peers import CALLS, DEPTHS, ROUNDS
from infra.local.layout import Layout
from shared.behaviors.logging import Logging
from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import Command, Message
from shared.cqrs.pipeline import Context, Proceed
from shared.kernel.result import Result, Success

PEERS = ("mediatr==1.3.2", "diator==0.1.2", "python-cqrs==5.3.0", "meator==2.0.1", "mediatorx==1.0.1")
MAX_TO_HAND_WRITTEN = 1.3
FORBIDDEN_MODULES = ("aws_xray_sdk", "awscrt", "boto3")
A_COMMAND = "functions.workspaces.commands.create_workspace"


class DoNothing(Command[None]):
    """A message whose way to its handler is all there is to it."""


_NOTHING: Result[None] = Success(None)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    microseconds: Sequence[float]


def alternately(calls: Sequence[Callable[[], object]]) -> list[float]:
    """Median microseconds of each call, measured in turns, so that what else the machine does meets all alike."""
    rounds: list[list[float]] = [[] for _ in calls]
    for _ in range(ROUNDS):
        for call, measured in zip(calls, rounds, strict=True):
            started = time.perf_counter()
            for _ in range(CALLS):
                call()
            measured.append((time.perf_counter() - started) / CALLS * 1e6)
    return [statistics.median(measured) for measured in rounds]


def context() -> Context:
    now = datetime.now(UTC)
    return Context(message_id="m", correlation_id="c", received_at=now, deadline=now)


def ours(depth: int) -> Callable[[], object]:
    def behavior(proceed: Proceed) -> Proceed:
        return lambda message, context: proceed(message, context)

    mediator = Mediator()
    mediator.register(DoNothing, lambda _message, _context: _NOTHING, [behavior] * depth)
    message, about = DoNothing(), context()
    return lambda: mediator.send(message, about)


def by_hand(depth: int) -> Callable[[], object]:
    """The same message through functions that call one another and nothing in between."""

    def behavior(proceed: Proceed) -> Proceed:
        return lambda message, context: proceed(message, context)

    def handle(_message: Message, _context: Context) -> Result[Any]:
        return _NOTHING

    proceed: Proceed = handle
    for _ in range(depth):
        proceed = behavior(proceed)
    message, about = DoNothing(), context()
    return lambda: proceed(message, about)


def peers(layout: Layout) -> dict[str, Any]:
    """Measured in an environment of their own, on the same interpreter."""
    environment = layout.root / "peers"
    python = environment / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    if not python.exists():
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(environment)], check=True)
    subprocess.run([uv, "pip", "install", "--quiet", "--python", str(python), *PEERS], check=True)
    script = Path(__file__).with_name("bench_peers.py")
    answer = subprocess.run([str(python), "-I", str(script)], check=True, capture_output=True, text=True)
    measured: dict[str, Any] = json.loads(answer.stdout)
    return measured


def log_line_microseconds() -> float:
    """What Logging adds to a message, its line written to nowhere."""
    from shared.observability.logger import log

    with open(os.devnull, "w") as nowhere:
        for handler in log().handlers:
            vars(handler)["stream"] = nowhere
        message, about = DoNothing(), context()
        bare, logged = Mediator(), Mediator()
        bare.register(DoNothing, lambda _message, _context: _NOTHING)
        logged.register(DoNothing, lambda _message, _context: _NOTHING, [Logging(slow_after_ms=1_000)])
        costs = alternately([lambda: bare.send(message, about), lambda: logged.send(message, about)])
    return costs[1] - costs[0]


def forbidden_modules() -> list[str]:
    code = f"import json, sys, {A_COMMAND}; from shared.aws.clients import client; client('dynamodb')"
    code += "; print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules})))"
    environment = {**os.environ, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true"}
    answer = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=environment)
    return sorted(set(json.loads(answer.stdout)) & set(FORBIDDEN_MODULES))


def main() -> int:
    own = [Row("VisionScope", []), Row("by hand", [])]
    pairs = [alternately([ours(depth), by_hand(depth)]) for depth in DEPTHS]
    own = [Row(row.name, [pair[at] for pair in pairs]) for at, row in enumerate(own)]
    others = [
        Row(f"{name} {one['version']}", one["microseconds"]) for name, one in peers(Layout.of_this_checkout()).items()
    ]
    print("dispatch, µs with " + ", ".join(map(str, DEPTHS)) + " behaviors")
    for row in (*own, *others):
        print(f"  {row.name:<20}" + "".join(f"{value:8.2f}" for value in row.microseconds))
    ratio = own[0].microseconds[-1] / own[1].microseconds[-1]
    slower = [
        f"{row.name} at {depth}"
        for row in others
        for depth, theirs, mine in zip(DEPTHS, row.microseconds, own[0].microseconds, strict=True)
        if mine >= theirs
    ]
    print(f"  {ratio:.2f} times the chain by hand at {DEPTHS[-1]} (at most {MAX_TO_HAND_WRITTEN})")
    print(f"  quicker than every peer at each: {'no, not than ' + ', '.join(slower) if slower else 'yes'}")
    print(f"log line of a message: {log_line_microseconds():.0f} µs")
    loaded = forbidden_modules()
    print(f"of {', '.join(FORBIDDEN_MODULES)} a command loads: {', '.join(loaded) or 'none'}")
    return 1 if ratio > MAX_TO_HAND_WRITTEN or slower or loaded else 0


if __name__ == "__main__":
    sys.exit(main())
