"""The dispatch of a message with 0, 3 and 8 behaviors, against a chain written by hand and five other mediators."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra.local.benches.bars import Bar, at_most, output
from infra.local.benches.dispatch_peers import CALLS, DEPTHS, ROUNDS
from infra.local.benches.turns import cpu_microseconds
from infra.local.install import install_peers
from infra.local.layout import Layout
from infra.local.screen import Screen
from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import Command, Message
from shared.cqrs.pipeline import Context, Proceed
from shared.kernel.result import Result, Success

MAX_TO_HAND_WRITTEN = 1.3


class DoNothing(Command[None]):
    """A message whose way to its handler is all there is to it."""


_NOTHING: Result[None] = Success(None)


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


def bench_dispatch(screen: Screen, layout: Layout) -> list[Bar]:
    install_peers(layout)
    with screen.step("dispatching with " + ", ".join(map(str, DEPTHS)) + " behaviors, ours, by hand and five peers"):
        calls = [make(depth) for depth in DEPTHS for make in (ours, by_hand)]
        measured = cpu_microseconds(calls, repeat=CALLS, rounds=ROUNDS)
        mine, hand = measured[::2], measured[1::2]
        script = str(Path(__file__).with_name("dispatch_peers.py"))
        python = str(layout.peers_environment / "bin" / "python")
        peers: dict[str, Any] = json.loads(output([python, "-I", script], 300))
    rows = [("VisionScope", mine), ("by hand", hand)]
    rows += [(f"{name} {one['version']}", one["microseconds"]) for name, one in peers.items()]
    header = ("µs of CPU per message", *(f"{depth} behaviors" for depth in DEPTHS))
    screen.table(
        [header, *((name, *(f"{one:.2f}" for one in row)) for name, row in rows)], right=(1, 2, 3), header=True
    )
    bars = [
        at_most(f"dispatch at {DEPTHS[-1]} behaviors, of a chain by hand", mine[-1] / hand[-1], MAX_TO_HAND_WRITTEN)
    ]
    for depth, own, *theirs in zip(DEPTHS, mine, *(one["microseconds"] for one in peers.values()), strict=True):
        bars.append(at_most(f"dispatch at {depth} behaviors, of the quickest peer", own / min(theirs), 1.0))
    return bars
