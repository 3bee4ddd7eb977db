"""Queued commands: `send` puts one on its handler's own queue, in the same envelope as events travel in.

Publishing events isn't done here but through the outbox (`uow.record`), so that no event exists without its change.
"""

import json
from typing import Any

from shared.cqrs.messages import MessageCommand
from shared.kernel.clock import Clock, rfc3339
from shared.messaging.envelope import Metadata


class MessageBus:
    def __init__(self, sqs: Any, clock: Clock) -> None:
        self._sqs = sqs
        self._clock = clock

    def send(
        self, command: MessageCommand, queue_url: str, *, message_id: str, correlation_id: str, service_name: str
    ) -> None:
        """Send a command. A repeated send under one `message_id` has one effect: the handler's inbox sees to that."""
        metadata = Metadata(
            message_id=message_id,
            occurred_at=rfc3339(self._clock.now()),
            correlation_id=correlation_id,
            service_name=service_name,
        )
        body = {
            "source": f"visionscope.{service_name}",
            "detail-type": type(command).__name__,
            "detail": {"metadata": metadata.model_dump(mode="json"), "data": command.model_dump(mode="json")},
        }
        self._sqs.send_message(QueueUrl=queue_url, MessageBody=json.dumps(body))
