"""Finds what the contexts declare: endpoints, subscribers, schedules, stream consumers and event taps."""

import importlib
import importlib.util
import json
import pkgutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TypeAlias

from shared.aws.grants import DATA_READ, DATA_WRITE, EPHEMERAL_WRITE, OUTBOX_APPEND, Grant
from shared.cqrs.messages import IntegrationEvent, MessageCommand
from shared.http.endpoint import Endpoint
from shared.messaging.routing import EventTap, FunctionNeeds, Schedule, StreamConsumer, Subscriber

Declaration: TypeAlias = Endpoint | Subscriber | Schedule | StreamConsumer | EventTap

KINDS: dict[str, type[Declaration]] = {
    "ENDPOINT": Endpoint,
    "SUBSCRIBER": Subscriber,
    "SCHEDULE": Schedule,
    "STREAM_CONSUMER": StreamConsumer,
    "EVENT_TAP": EventTap,
}
"""The module-level name of a declaration -> its type."""

FOLDERS = ("commands", "queries", "subscribers")
AUTHORIZER = "functions.identity.authorizer"
FALLBACK = "functions.operations.fallback"
ROUTES_FILE = "functions/operations/routes.json"
"""What the fallback reads, generated beside it."""


class UndeclaredFunction(ValueError):
    """A module among commands, queries or subscribers doesn't declare exactly one function."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A declaration and the module that it stands in, beside its `lambda_handler`."""

    module: str
    declaration: Declaration

    @property
    def context(self) -> str:
        return self.module.split(".")[1]

    @property
    def name(self) -> str:
        """The use case, as its file says it: `create-video`."""
        return self.module.rsplit(".", 1)[-1].replace("_", "-")

    @property
    def needs(self) -> FunctionNeeds:
        return self.declaration.needs

    @property
    def grants(self) -> frozenset[Grant]:
        match self.declaration:
            case Endpoint() as endpoint:
                return endpoint.grants
            case Subscriber():
                # Its transaction: what it changes, the events of that, and the inbox row.
                return frozenset({DATA_READ, DATA_WRITE, OUTBOX_APPEND, EPHEMERAL_WRITE, *self.needs.grants})
            case Schedule() | StreamConsumer() | EventTap():
                return frozenset(self.needs.grants)


def discover(package: str = "functions") -> list[Declared]:
    """All declarations, by context and module.

    Raises `UndeclaredFunction` for a module that has no declaration, several, or no handler.
    """
    root = importlib.import_module(package)
    return [_declared(module) for context in _packages(root) for module in _modules(context)]


def function_needs(module: str) -> FunctionNeeds | None:
    """The `NEEDS` of a function that no declaration stands for; `None` when there is no such module."""
    parent, _, _ = module.rpartition(".")
    if importlib.util.find_spec(parent) is None or importlib.util.find_spec(module) is None:
        return None
    needs = importlib.import_module(module).NEEDS
    if not isinstance(needs, FunctionNeeds):
        raise UndeclaredFunction(f"NEEDS of {module} isn't a FunctionNeeds")
    return needs


def dead_letter_sources(declared: Iterable[Declared]) -> str:
    """What leaves dead letters, as JSON: queues that a rule feeds or commands are sent to, readers, schedules."""
    sources: dict[str, list[str]] = {"queues": [], "commands": [], "streams": [], "schedules": []}
    for one in declared:
        match one.declaration:
            case Subscriber(message=message) as reader if issubclass(message, MessageCommand):
                sources["commands"].append(reader.queue_name)
            case Subscriber() | EventTap() as reader:
                sources["queues"].append(reader.queue_name)
            case StreamConsumer(name=name):
                sources["streams"].append(name)
            case Schedule(name=name):
                sources["schedules"].append(name)
            case Endpoint():
                pass
    return json.dumps({kind: sorted(names) for kind, names in sources.items()}, separators=(",", ":"))


def subscriptions(declared: Iterable[Declared]) -> str:
    """Who subscribes to events of our own, as JSON: `[[queue, source, detail type], …]`."""
    found = [
        [one.declaration.queue_name, one.declaration.message.source(), one.declaration.message.detail_type()]
        for one in declared
        if isinstance(one.declaration, Subscriber) and issubclass(one.declaration.message, IntegrationEvent)
    ]
    return json.dumps(sorted(found), separators=(",", ":"))


def _packages(root: ModuleType) -> Iterator[str]:
    for found in pkgutil.iter_modules(root.__path__, f"{root.__name__}."):
        if found.ispkg:
            yield found.name


def _modules(context: str) -> Iterator[ModuleType]:
    for folder in FOLDERS:
        package = f"{context}.{folder}"
        if importlib.util.find_spec(package) is None:
            continue
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
            yield importlib.import_module(found.name)


def _declared(module: ModuleType) -> Declared:
    name = module.__name__
    found = [getattr(module, variable) for variable in KINDS if hasattr(module, variable)]
    if len(found) != 1:
        raise UndeclaredFunction(f"{name} has {len(found)} declarations instead of one of {', '.join(KINDS)}")
    if not callable(getattr(module, "lambda_handler", None)):
        raise UndeclaredFunction(f"{name} has no lambda_handler")
    return Declared(name, found[0])
