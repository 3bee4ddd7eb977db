"""The CPU time of a whole warm command, against the sum of its own AWS calls made bare.

The Lambda handler gets an event as the HTTP API sends it; the endpoint that it talks to answers at once from another
process. The bare calls are those very requests, recorded from the command and made by a botocore client as one gets it
without any settings. Command and calls take turns one by one, so that each meets the caches as the other left them.
"""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

import botocore.session
from botocore import xform_name

from infra.local.benches import workload
from infra.local.benches.bars import Bar, BenchFailed, at_most
from infra.local.benches.dispatch import DoNothing, context
from infra.local.benches.endpoint import endpoint, environment
from infra.local.benches.turns import cpu_microseconds
from infra.local.layout import Layout
from infra.local.screen import Screen
from shared.aws.clients import client
from shared.behaviors.logging import Logging
from shared.http.endpoint import Endpoint
from shared.kernel.result import Success
from shared.observability.logger import log

MAX_TO_CALLS = 1.3
MAX_LOGGING_SHARE = 0.1
TURNS = 300

Request = tuple[str, dict[str, Any]]
"""An operation and its parameters."""


def bench_command(screen: Screen, _layout: Layout) -> list[Bar]:
    bars: list[Bar] = []
    rows: list[tuple[str, ...]] = [
        ("µs of CPU", "command", "bare calls", "by our client", "logging and metrics", "calls")
    ]
    with (
        screen.step(f"a warm command, plain and with every behavior, {TURNS} turns each"),
        endpoint(workload.replies()) as url,
        surroundings({**environment(url), **workload.SETTINGS}),
        unseen_log(),
    ):
        for name, declared in (("plain", workload.PLAIN), ("full", workload.FULL)):
            calls = recorded(declared)
            made = tuple(operation for operation, _ in calls)
            if made != workload.CALLS[name]:
                raise BenchFailed(f"the {name} command makes other calls than it should: {', '.join(made)}")
            handler, events = workload.function(declared), workload.requests()
            bare: Any = botocore.session.get_session().create_client("dynamodb")
            command, theirs, ours, logged, unlogged = cpu_microseconds(
                [
                    partial(run, handler, events),
                    replay(bare, calls),
                    replay(client("dynamodb"), calls),
                    *logging_pair(),
                ],
                repeat=1,
                rounds=TURNS,
            )
            figures = (command, theirs, ours, logged - unlogged)
            rows.append((name, *(f"{one:,.0f}" for one in figures), str(len(calls))))
            bars.append(
                at_most(f"warm command, {name}, of its {len(calls)} calls bare", command / theirs, MAX_TO_CALLS)
            )
            bars.append(
                at_most(
                    f"its logging and metrics, of its calls ({name})", (logged - unlogged) / theirs, MAX_LOGGING_SHARE
                )
            )
    screen.table(rows, right=(1, 2, 3, 4, 5), header=True)
    return bars


def recorded(declared: Endpoint) -> list[Request]:
    """The AWS requests of one command, from a warm function."""
    found: list[Request] = []

    def note(params: dict[str, Any], model: Any, **_: Any) -> None:
        found.append((model.name, params))

    handler, events = workload.function(declared), workload.requests()
    run(handler, events)
    hooks = client("dynamodb").meta.events
    hooks.register("provide-client-params.dynamodb", note)
    try:
        run(handler, events)
    finally:
        hooks.unregister("provide-client-params.dynamodb", note)
    return found


def run(handler: Callable[[Any], dict[str, Any]], events: Iterator[Any]) -> None:
    answer = handler(next(events))
    if answer["statusCode"] != 201:
        raise BenchFailed(f"the command answers {answer}")


def replay(dynamodb: Any, calls: list[Request]) -> Callable[[], object]:
    bound = [(getattr(dynamodb, xform_name(operation)), parameters) for operation, parameters in calls]

    def make_them() -> None:
        for call, parameters in bound:
            call(**parameters)

    return make_them


def logging_pair() -> tuple[Callable[[], object], Callable[[], object]]:
    """A message that is logged and measured, and the same message that isn't."""
    message, about = DoNothing(), replace(context(), principal=workload.CALLER, workspace_id=workload.WORKSPACE_ID)

    def handle(_message: object, _context: object) -> Success[None]:
        return Success(None)

    logged = Logging(slow_after_ms=1_000, namespace="VisionScope/bench")(handle)
    return lambda: logged(message, about), lambda: handle(message, about)


@contextmanager
def surroundings(variables: dict[str, str]) -> Iterator[None]:
    """The environment of a function, and clients made in it."""
    before = dict(os.environ)
    os.environ.update(variables)
    client.cache_clear()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        client.cache_clear()


@contextmanager
def unseen_log() -> Iterator[None]:
    """Lines are made and written as ever, to nowhere."""
    (handler,) = log().handlers
    assert isinstance(handler, logging.StreamHandler)
    with open(os.devnull, "w") as nowhere:
        before = handler.setStream(nowhere)
        try:
            yield
        finally:
            handler.setStream(before)
