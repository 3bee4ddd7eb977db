"""How each building block grows: behaviors of a chain, items of a transaction, events to publish.

Shown is the CPU time per behavior, item and event. A block is near-linear when the exponent between its first and last
size (the slope on logarithmic axes) stays near 1.
"""

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from infra.local.benches import workload
from infra.local.benches.bars import Bar, at_most
from infra.local.benches.command import surroundings, unseen_log
from infra.local.benches.dispatch import MAX_TO_HAND_WRITTEN, by_hand, ours
from infra.local.benches.endpoint import endpoint, environment
from infra.local.benches.publishing import outbox_rows, publishing
from infra.local.benches.turns import cpu_microseconds
from infra.local.layout import Layout
from infra.local.screen import Screen
from shared.cqrs.pipeline import Context
from shared.persistence.rows import DataRow
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import MAX_ACTIONS

MAX_EXPONENT = 1.15
ROUNDS = 15
SIZES = (1, 10, 100, 1_000)
DEPTHS = (1, 10, 100, 900)
"""Each behavior is a call within the one before, and the interpreter allows 1,000 within one another. Deep calls cost
it more than shallow ones, so what a chain adds of its own is told by one that is written by hand.
"""


class MeasuredRow(DataRow):
    text = UnicodeAttribute()
    number = NumberAttribute()


def bench_growth(screen: Screen, _layout: Layout) -> list[Bar]:
    with (
        screen.step("growing chains, transactions and batches"),
        endpoint(workload.replies()) as url,
        surroundings({**environment(url), **workload.SETTINGS}),
        unseen_log(),
    ):
        runtime = Runtime()
        rows = outbox_rows(SIZES[-1])
        both = cpu_microseconds([make(depth) for depth in DEPTHS for make in (ours, by_hand)], repeat=50, rounds=ROUNDS)
        chains, by_hands = both[::2], both[1::2]
        transactions = cpu_microseconds([partial(commit, runtime, size) for size in SIZES], repeat=1, rounds=ROUNDS)
        batches = cpu_microseconds([publishing(rows[:size]) for size in SIZES], repeat=1, rounds=ROUNDS)
    screen.table(
        [
            ("µs of CPU for each", *(f"of {size:,}" for size in SIZES), "exponent"),
            _row(f"behavior (the last: of {DEPTHS[-1]})", DEPTHS, chains),
            _row("behavior of a chain by hand", DEPTHS, by_hands),
            _row(f"item, {MAX_ACTIONS} to a transaction", SIZES, transactions),
            _row("event published", SIZES, batches),
        ],
        right=(1, 2, 3, 4, 5),
        header=True,
    )
    return [
        at_most(f"a chain of {DEPTHS[-1]} behaviors, of one by hand", chains[-1] / by_hands[-1], MAX_TO_HAND_WRITTEN),
        at_most(
            "growth of transactions with their items, exponent", exponent(SIZES, transactions), MAX_EXPONENT, unit=""
        ),
        at_most("growth of a batch with its events, exponent", exponent(SIZES, batches), MAX_EXPONENT, unit=""),
    ]


def exponent(sizes: Sequence[int], microseconds: Sequence[float]) -> float:
    """Of the growth over the last two decades: below, what each call costs anyway hides it."""
    return math.log(microseconds[-1] / microseconds[1]) / math.log(sizes[-1] / sizes[1])


def commit(runtime: Runtime, items: int) -> None:
    """Insert rows, a hundred to a transaction."""
    now = datetime.now(UTC)
    for start in range(0, items, MAX_ACTIONS):
        context = Context(
            message_id=f"m-{start}", correlation_id="c", received_at=now, deadline=now + timedelta(seconds=20)
        )
        uow = runtime.begin(context)
        for number in range(start, min(start + MAX_ACTIONS, items)):
            uow.insert(MeasuredRow(pk=f"ROW#{number}", sk="ROW", text="x" * 100, number=number, version=1))
        uow.commit()


def _row(name: str, sizes: Sequence[int], microseconds: Sequence[float]) -> tuple[str, ...]:
    each = (f"{one / size:,.2f}" for size, one in zip(sizes, microseconds, strict=True))
    return name, *each, f"{exponent(sizes, microseconds):.2f}"
