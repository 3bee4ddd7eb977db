"""What a handler is built from: the process' runtime, and the scope of one message."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from shared.aws import clients
from shared.aws.settings import Settings
from shared.cqrs.pipeline import Context
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.ids import Ids, Uuid7
from shared.messaging.bus import MessageBus
from shared.messaging.payloads import Payloads
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork


class Runtime:
    """Application-scoped things, built once per process. Tests give their own clock, clients and settings."""

    def __init__(
        self,
        settings: Settings | None = None,
        clock: Clock | None = None,
        ids: Ids | None = None,
        client: Callable[[str], Any] = clients.client,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = clock or SystemClock()
        self.ids = ids or Uuid7(self.clock)
        self.client = client

    @cached_property
    def store(self) -> Store:
        return Store(self.client("dynamodb"), self.settings)

    def begin(self, context: Context) -> UnitOfWork:
        return UnitOfWork(self.store, context, self.clock, self.ids, payloads=self.payloads)

    @cached_property
    def payloads(self) -> Payloads:
        return Payloads(lambda: self.client("s3"), self.settings)


@dataclass(frozen=True, slots=True)
class ReadScope:
    """One message that changes nothing."""

    runtime: Runtime
    context: Context

    @property
    def store(self) -> Store:
        return self.runtime.store


@dataclass(frozen=True, slots=True)
class WriteScope(ReadScope):
    """One attempt at a message that may change something: repositories are built on its unit of work."""

    uow: UnitOfWork = field(kw_only=True)

    @property
    def bus(self) -> MessageBus:
        return MessageBus(self.uow)
