"""The Lambda function behind one subscriber's queue.

Each record is handled in a transaction of its own, together with an inbox row, so a message that is delivered again has
no second effect. A failed record is reported alone, waits longer each time, and ends in the DLQ; the others of its
batch are done. Why it failed is kept by its message id. One that an open breaker kept from being tried hasn't failed:
it is sent anew, so that an outage, however long, drives no message into the DLQ.
"""

import json
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cached_property
from typing import Any

from pydantic import ValidationError

from shared.cqrs.messages import IntegrationEvent, Message, MessageCommand
from shared.cqrs.pipeline import Context, Proceed
from shared.kernel.errors import CircuitOpen, DomainError, FieldError, RetryLater, ValidationFailed
from shared.kernel.principals import System
from shared.kernel.result import Failure
from shared.messaging.dead_letters import LastErrors
from shared.messaging.envelope import Metadata, data_of
from shared.messaging.payloads import DamagedPayload
from shared.messaging.registry import UnreadableMessage, read_command, read_event
from shared.messaging.routing import QUEUES, BatchAnswer, ForeignEvent, Subscriber
from shared.observability.logger import log
from shared.persistence.rows import EphemeralRow
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import UnitOfWork

INBOX_KEPT_SECONDS = 30 * 24 * 3600
"""Longer than the 14 days that a message can wait in a DLQ."""

_INBOX = "INBOX"
_MAX_BACKOFF_SECONDS = 900


class InboxRow(EphemeralRow):
    """A message that a subscriber has handled."""


class HandledBefore(DomainError):
    """The inbox has this message: its effect stands already."""

    code = "conflict"


class UnknownMessage(ValidationFailed):
    """A record that isn't what the subscriber expects, or has a newer schema than it knows."""

    def __init__(self, reason: str) -> None:
        super().__init__([FieldError("", "unknown-message", reason)], reason)


class QueueFunction:
    """Callable as a Lambda handler of SQS batches. `compose` makes the chain of behaviors."""

    def __init__(
        self,
        subscriber: Subscriber,
        compose: Callable[[Subscriber, Runtime], Proceed],
        runtime: Callable[[], Runtime] = Runtime,
    ) -> None:
        self.subscriber = subscriber
        self._compose = compose
        self._make_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._make_runtime()

    @cached_property
    def _proceed(self) -> Proceed:
        return self._compose(self.subscriber, self._runtime)

    @cached_property
    def _last_errors(self) -> LastErrors:
        return LastErrors(self.subscriber.queue_name, self._runtime)

    def __call__(self, event: Mapping[str, Any], lambda_context: Any = None) -> BatchAnswer:
        failed: list[dict[str, str]] = []
        for record in event["Records"]:
            error = self._handle(record, lambda_context)
            if error is not None and not (isinstance(error, CircuitOpen) and self._send_anew(record, error)):
                failed.append({"itemIdentifier": record["messageId"]})
                self._put_off(record, error)
        return {"batchItemFailures": failed}

    def _handle(self, record: Mapping[str, Any], lambda_context: Any) -> DomainError | None:
        try:
            message, context = self._read(record, lambda_context)
        except DomainError as error:
            return error
        context.committing.append(self._remember)
        result = self._proceed(message, context)
        if isinstance(result, Failure) and not self._was_handled(context):
            return result.error
        return None

    def _was_handled(self, context: Context) -> bool:
        """What refuses a message may be the effect it had itself, when it was delivered before."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return self._runtime.store.get(InboxRow, self._inbox(context), _INBOX) is not None
        except (BotoCoreError, ClientError):
            log().exception("the inbox can't be read", extra={"subscriber": self.subscriber.name})
            return False

    def _inbox(self, context: Context) -> str:
        return f"INBOX#{self.subscriber.name}#{context.message_id}"

    def _remember(self, uow: UnitOfWork, _answer: object) -> None:
        uow.insert(
            InboxRow(
                pk=self._inbox(uow.context),
                sk=_INBOX,
                expires_at=int(self._runtime.clock.now().timestamp()) + INBOX_KEPT_SECONDS,
            ),
            otherwise=HandledBefore("This message was handled before."),
        )

    def _read(self, record: Mapping[str, Any], lambda_context: Any) -> tuple[Message, Context]:
        expected = self.subscriber.message
        try:
            body = json.loads(record["body"])
            detail = body["detail"]
            if issubclass(expected, ForeignEvent):
                message: Message = expected.model_validate(detail)
                metadata = Metadata(
                    message_id=body["id"],
                    occurred_at=body["time"],
                    correlation_id=body["id"],
                    service_name=body["source"],
                )
            else:
                metadata = Metadata.model_validate(detail["metadata"])
                if body.get("detail-type", expected.__name__) != expected.__name__:
                    raise UnknownMessage(f"{expected.__name__} is expected here, this is another message")
                message = self._read_data(expected, metadata, detail["data"])
        except UnreadableMessage as error:
            raise UnknownMessage(str(error)) from error
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise UnknownMessage(f"not a {expected.__name__}: {_reason(error)}") from error
        now = self._runtime.clock.now()
        remaining_ms = lambda_context.get_remaining_time_in_millis() if lambda_context is not None else 28_000
        return message, Context(
            message_id=metadata.message_id,
            correlation_id=metadata.correlation_id,
            causation_id=metadata.causation_id,
            received_at=now,
            deadline=now + timedelta(milliseconds=remaining_ms),
            principal=System(self.subscriber.name),
            traceparent=metadata.traceparent,
            workspace_id=metadata.workspace_id,
            delivery=int(record["attributes"]["ApproximateReceiveCount"]),
            occurred_at=metadata.occurred_at,
            aggregate_version=metadata.aggregate.version if metadata.aggregate else None,
        )

    def _read_data(
        self, expected: type[IntegrationEvent] | type[MessageCommand], metadata: Metadata, data: Mapping[str, Any]
    ) -> Message:
        try:
            data = data_of(metadata, data, self._runtime.payloads)
        except DamagedPayload as error:
            raise UnknownMessage("The message's data isn't what its reference says.") from error
        return (
            read_event(expected, metadata, data)
            if issubclass(expected, IntegrationEvent)
            else read_command(expected, metadata, data)
        )

    def _send_anew(self, record: Mapping[str, Any], refusal: CircuitOpen) -> bool:
        """Exchange a message for one that arrives when the breaker lets calls pass again; whether it could be done.

        The number of its deliveries begins anew with that. Should both exist for once, the inbox makes them one.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        wait = refusal.retry_after_seconds
        # Spread, since all that waits was told the same time.
        delay = min(_MAX_BACKOFF_SECONDS, random.randint(wait, wait + wait // 2))
        about = {"subscriber": self.subscriber.name, "message_id": message_id_of(record)}
        try:
            self._runtime.client("sqs").send_message(
                QueueUrl=self._runtime.settings["QUEUE_URL"], MessageBody=record["body"], DelaySeconds=delay
            )
        except (BotoCoreError, ClientError):
            log().exception("a message couldn't be sent anew", extra=about)
            return False
        log().warning("message waits for an open circuit", extra={**about, "seconds": delay})
        return True

    def _put_off(self, record: Mapping[str, Any], error: DomainError) -> None:
        """Keep the reason and let the message wait. Without either it is delivered again all the same."""
        from botocore.exceptions import BotoCoreError, ClientError

        message_id = message_id_of(record)
        about = {"subscriber": self.subscriber.name, "message_id": message_id}
        log().error("message failed", extra={**about, "error": error.code, "reason": error.detail})
        try:
            self._last_errors.keep(message_id, self.subscriber.name, error)
            self._back_off(record, error)
        except (BotoCoreError, ClientError):
            log().exception("a failed message couldn't be put off", extra=about)

    def _back_off(self, record: Mapping[str, Any], error: DomainError) -> None:
        """Make the message visible again after a time that doubles with each delivery, up to 15 minutes.

        An error that says when to try again is taken at its word.
        """
        settings = QUEUES[self.subscriber.queue]
        deliveries = int(record["attributes"]["ApproximateReceiveCount"])
        ceiling = min(_MAX_BACKOFF_SECONDS, settings.first_backoff_seconds * 2 ** (deliveries - 1))
        asked_seconds = error.retry_after_seconds if isinstance(error, RetryLater) else 0
        self._runtime.client("sqs").change_message_visibility(
            QueueUrl=self._runtime.settings["QUEUE_URL"],
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=max(min(asked_seconds, _MAX_BACKOFF_SECONDS), random.randint(ceiling // 2, ceiling)),
        )


def message_id_of(record: Mapping[str, Any]) -> str:
    """What the last error of a queue's record is kept under: its message's id, or SQS' own if that is unreadable."""
    try:
        body = json.loads(record["body"])
        message_id = body["detail"]["metadata"]["message_id"] if "metadata" in body["detail"] else body["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        message_id = None
    return message_id if isinstance(message_id, str) and message_id else str(record["messageId"])


def _reason(error: Exception) -> str:
    # The text of a validation error would quote values; types and places are enough.
    if isinstance(error, ValidationError):
        return "; ".join(f"{'/'.join(map(str, one['loc']))}: {one['type']}" for one in error.errors())
    return type(error).__name__
