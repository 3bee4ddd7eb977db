"""Times how other mediators dispatch one message. Runs as a file in an environment that holds them and not us.

Prints JSON: per library its version and the microseconds of a dispatch with each number of behaviors. Every library is
set up once, with a handler and behaviors that do nothing, and called as its own documentation calls it, from within one
running loop.
"""

import asyncio
import importlib
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version
from typing import Any

DEPTHS = (0, 3, 8)
ROUNDS = 15
CALLS = 2_000


class Container:
    """Makes a handler anew for each message, as the libraries' own containers do by default."""

    async def resolve(self, kind: type[Any]) -> Any:
        return kind()


def mediatr(depth: int) -> Callable[[], Awaitable[object]]:
    module = importlib.import_module("mediatr")
    request_type = type("Request", (), {})

    def handle(request: Any) -> None:
        return None

    handle.__annotations__ = {"request": request_type}
    module.Mediator.register_handler(handle)
    for _ in range(depth):

        def behavior(request: Any, next: Callable[[], Any]) -> Any:
            return next()

        behavior.__annotations__ = {"request": request_type, "next": Any}
        module.Mediator.register_behavior(behavior)
    request, mediator = request_type(), module.Mediator()

    async def send() -> object:
        return mediator.send(request)  # the synchronous one is its quicker

    return send


def diator(depth: int) -> Callable[[], Awaitable[object]]:
    requests, middlewares = importlib.import_module("diator.requests"), importlib.import_module("diator.middlewares")

    class Handler:
        def __init__(self) -> None:
            self.events: list[object] = []

        async def handle(self, _request: Any) -> None:
            return None

    class Middleware:
        async def __call__(self, request: Any, handle: Callable[[Any], Awaitable[Any]]) -> Any:
            return await handle(request)

    request_map, chain = requests.RequestMap(), middlewares.MiddlewareChain()
    request_map.bind(requests.Request, Handler)
    chain.set([Middleware() for _ in range(depth)])
    mediator = importlib.import_module("diator.mediator").Mediator(request_map, Container(), middleware_chain=chain)
    request = requests.Request()
    return lambda: mediator.send(request)


def python_cqrs(depth: int) -> Callable[[], Awaitable[object]]:
    models = importlib.import_module("cqrs.models.request")
    base = importlib.import_module("cqrs.handlers.request").RequestHandler
    middlewares = importlib.import_module("cqrs.middlewares.base")

    async def handle(_self: object, _request: Any) -> None:
        return None

    class Middleware:
        async def __call__(self, request: Any, handle: Callable[[Any], Awaitable[Any]]) -> Any:
            return await handle(request)

    request_map = importlib.import_module("cqrs.mapping.requests").RequestMap()
    request_type = type("Request", (models.Request,), {})
    request_map.bind(request_type, type("Handler", (base,), {"handle": handle}))
    chain = middlewares.MiddlewareChain()
    chain.set([Middleware() for _ in range(depth)])
    mediator = importlib.import_module("cqrs.mediators.request").RequestMediator(
        request_map, Container(), middleware_chain=chain
    )
    request = request_type()
    return lambda: mediator.send(request)


def meator(depth: int) -> Callable[[], Awaitable[object]]:
    command_type = importlib.import_module("meator.entities").Command

    class Middleware:
        async def __call__(self, call_next: Callable[[Any], Awaitable[Any]], request: Any) -> Any:
            return await call_next(request)

    class Handler:
        async def __call__(self, _request: Any) -> None:
            return None

    dispatcher = importlib.import_module("meator.dispatchers").CommandDispatcherImpl(
        middlewares=[Middleware() for _ in range(depth)]
    )
    dispatcher.register(command_type, Handler())
    command = command_type()
    return lambda: dispatcher.handle(command)


def mediatorx(depth: int) -> Callable[[], Awaitable[object]]:
    module = importlib.import_module("mediatorx.mediator")
    resolver = importlib.import_module("mediatorx.resolvers").DictResolver()
    command_type = importlib.import_module("mediatorx.messages").ICommand

    class Handler:
        async def handle(self, _command: Any) -> None:
            return None

    mediator = module.Mediator(resolver)
    mediator.register(command_type, Handler)
    resolver.add_instance(Handler, Handler())
    for number in range(depth):

        async def handle(_self: object, _message: Any, proceed: Callable[[], Awaitable[Any]]) -> Any:
            return await proceed()

        behavior_type = type(f"Behavior{number}", (), {"handle": handle})
        resolver.add_instance(behavior_type, behavior_type())
        mediator.add_behavior(behavior_type)
    command = command_type()
    return lambda: mediator.send(command)


PEERS: dict[str, Callable[[int], Callable[[], Awaitable[object]]]] = {
    "mediatr": mediatr,
    "diator": diator,
    "python-cqrs": python_cqrs,
    "meator": meator,
    "mediatorx": mediatorx,
}


async def microseconds(send: Callable[[], Awaitable[object]]) -> float:
    rounds: list[float] = []
    for _ in range(ROUNDS):
        started = time.process_time()
        for _ in range(CALLS):
            await send()
        rounds.append((time.process_time() - started) / CALLS * 1e6)
    return statistics.median(rounds)


async def measure() -> dict[str, Any]:
    return {
        name: {"version": version(name), "microseconds": [await microseconds(make(depth)) for depth in DEPTHS]}
        for name, make in PEERS.items()
    }


if __name__ == "__main__":
    json.dump(asyncio.run(measure()), sys.stdout)
