"""Why a message failed: the last error of each, kept as long as it can wait among the dead letters.

SQS moves a message to its DLQ without a reason, so the consumer keeps one by message id at every failed delivery.
"""

from dataclasses import dataclass
from typing import Any

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.update import Update

from shared.kernel.clock import rfc3339
from shared.kernel.errors import DomainError
from shared.persistence.rows import EphemeralRow, key_of
from shared.persistence.scope import Runtime

KEPT_SECONDS = 15 * 24 * 3600
"""A day longer than a DLQ keeps messages."""

_LONGEST_REASON = 1_000


class FailureRow(EphemeralRow):
    subscriber = UnicodeAttribute()
    error = UnicodeAttribute()
    reason = UnicodeAttribute()
    first_failed_at = UnicodeAttribute()
    last_failed_at = UnicodeAttribute()
    deliveries = NumberAttribute()


@dataclass(frozen=True, slots=True)
class LastError:
    """`error` is a stable code, `reason` its sentence; `deliveries` counts how often handling has failed."""

    subscriber: str
    error: str
    reason: str
    first_failed_at: str
    last_failed_at: str
    deliveries: int


class LastErrors:
    """The last errors of one queue's messages, by the envelope's message id (SQS' own where that is unreadable)."""

    def __init__(self, queue_name: str, runtime: Runtime) -> None:
        self._pk = f"FAILURE#{queue_name}"
        self._runtime = runtime

    def keep(self, message_id: str, subscriber: str, error: DomainError) -> None:
        now = self._runtime.clock.now()
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        changes = Update(
            FailureRow.subscriber.set(subscriber),
            FailureRow.error.set(error.code),
            FailureRow.reason.set(error.detail[:_LONGEST_REASON]),
            FailureRow.first_failed_at.set(FailureRow.first_failed_at | rfc3339(now)),
            FailureRow.last_failed_at.set(rfc3339(now)),
            FailureRow.expires_at.set(int(now.timestamp()) + KEPT_SECONDS),
            FailureRow.deliveries.add(1),
        ).serialize(names, values)
        self._runtime.client("dynamodb").update_item(
            TableName=self._runtime.settings.table("ephemeral"),
            Key=key_of(self._pk, message_id),
            UpdateExpression=changes,
            ExpressionAttributeNames={placeholder: name for name, placeholder in names.items()},
            ExpressionAttributeValues=values,
        )

    def get(self, message_id: str) -> LastError | None:
        row = self._runtime.store.get(FailureRow, self._pk, message_id)
        if row is None:
            return None
        return LastError(
            subscriber=row.subscriber,
            error=row.error,
            reason=row.reason,
            first_failed_at=row.first_failed_at,
            last_failed_at=row.last_failed_at,
            deliveries=int(row.deliveries),
        )
