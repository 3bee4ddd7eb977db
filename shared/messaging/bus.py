"""The one way to tell others something: events for whoever listens, commands for their one handler.

Both are staged in the message's unit of work, so neither exists without the change that it tells of, nor the change
without it (transactional outbox). The publisher puts events on the bus and commands into their handler's queue, each at
least once; the inbox of whoever takes it makes that one effect.
"""

from shared.cqrs.messages import IntegrationEvent, MessageCommand
from shared.messaging.envelope import Destination
from shared.messaging.queues import LONGEST_DELAY_SECONDS
from shared.persistence.unit_of_work import UnitOfWork


class MessageBus:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def publish(self, event: IntegrationEvent, aggregate_id: str, version: int) -> str:
        """Tell that something has happened to an aggregate, which has this version now; returns the message id."""
        return self._uow.record(event, aggregate_id, version)

    def send(self, command: MessageCommand, queue: str, *, delay_seconds: int = 0) -> str:
        """Have a command handled; returns the message id.

        `queue` is the logical name of its handler's (`Subscriber.queue_name`). It is delivered after `delay_seconds`
        at the earliest. Raises `ValueError` for a delay longer than SQS knows.
        """
        if not 0 <= delay_seconds <= LONGEST_DELAY_SECONDS:
            raise ValueError(f"a message waits {LONGEST_DELAY_SECONDS} seconds at most, not {delay_seconds}")
        return self._uow.send(command, Destination(queue=queue, delay_seconds=delay_seconds))
