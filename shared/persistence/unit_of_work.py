"""The one writer: collects a message's changes and events and commits them in one DynamoDB transaction.

Unit of work after Fowler (PoEAA), outbox after Richardson. Guarantees:

- All or nothing: business rows, the one outbox row that holds the events in order, and what behaviors add (the
  idempotency record, the inbox row) are one `TransactWriteItems`.
- One write per key: a second write of the same row replaces nothing silently, it is an error.
- A reply that got lost doesn't repeat the effect: the same bytes are resent under the same token, which is derived from
  the message id and a digest of the actions.
- Only what a repetition can mend is repeated here (a transaction conflict, a throttle, a transaction in progress), with
  jitter and within the deadline. A failed condition never is: it is reported as the error its action was added with.
"""

import hashlib
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pynamodb.expressions.condition import Condition
from pynamodb.expressions.update import Action, Update

from shared.cqrs.messages import IntegrationEvent, MessageCommand
from shared.cqrs.pipeline import Context
from shared.kernel.clock import Clock
from shared.kernel.errors import DomainError
from shared.kernel.ids import Ids
from shared.messaging.envelope import Aggregate, Destination, Envelope, enclose, enclose_command
from shared.messaging.outbox import OutboxItem
from shared.messaging.payloads import Payloads
from shared.persistence.rows import Row, absent, key_of
from shared.persistence.store import Store

MAX_ACTIONS = 100
MAX_BYTES = 4_000_000
"""DynamoDB's limits for one transaction, the second a little below its 4 MB."""

_REPEATABLE_REASONS = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_REPEATABLE_ERRORS = frozenset(
    {"TransactionInProgressException", "ThrottlingException", "ProvisionedThroughputExceededException"}
)


_encode = json.JSONEncoder(sort_keys=True, default=repr).encode


class TransactionTooLarge(Exception):
    """More than one transaction can hold: the work is a process of several steps, not a command."""


class DuplicateWrite(Exception):
    """Two writes of one row in one unit of work: load it once and change that."""


class StaleRead(Exception):
    """A row changed since it was read. The handler has to decide anew on fresh reads."""


class Refused(Exception):
    """A condition failed that stands for an expected failure."""

    def __init__(self, error: DomainError) -> None:
        super().__init__(error.detail)
        self.error = error


class TransactionUnavailable(Exception):
    """Conflicts or throttles outlasted the deadline. Nothing was written."""


@dataclass(frozen=True, slots=True)
class _Write:
    request: dict[str, Any]
    otherwise: DomainError | None
    encoded: bytes
    """What its size and the transaction's token are taken from."""


class UnitOfWork:
    """Fresh per message and attempt.

    Every write may carry a condition and, as `otherwise`, the expected failure it stands for; a failed condition
    without one is a `StaleRead`.
    """

    def __init__(
        self,
        store: Store,
        context: Context,
        clock: Clock,
        ids: Ids,
        sleep: Callable[[float], None] = time.sleep,
        payloads: Payloads | None = None,
    ) -> None:
        self.store = store
        self.context = context
        self._clock = clock
        self._ids = ids
        self._payloads = payloads
        self._sleep = sleep
        self._writes: dict[tuple[str, str, str], _Write] = {}
        self._events: list[Envelope] = []

    def insert(self, row: Row, otherwise: DomainError | None = None) -> None:
        """Add a row that must not exist yet."""
        self.put(row, condition=absent(), otherwise=otherwise)

    def put(self, row: Row, *, condition: Condition | None = None, otherwise: DomainError | None = None) -> None:
        """Write a whole row."""
        item = row.serialize()
        self._add("Put", row, item["pk"]["S"], item["sk"]["S"], {"Item": item}, condition, otherwise)

    def update(
        self,
        row: type[Row],
        pk: str,
        sk: str,
        actions: list[Action],
        *,
        condition: Condition | None = None,
        otherwise: DomainError | None = None,
    ) -> None:
        """Change some attributes of a row that exists."""
        exists = Row.pk.exists()
        condition = exists if condition is None else exists & condition
        update = Update(*actions)
        self._add("Update", row, pk, sk, {"Key": key_of(pk, sk)}, condition, otherwise, update)

    def delete(
        self,
        row: type[Row],
        pk: str,
        sk: str,
        *,
        condition: Condition | None = None,
        otherwise: DomainError | None = None,
    ) -> None:
        self._add("Delete", row, pk, sk, {"Key": key_of(pk, sk)}, condition, otherwise)

    def check(
        self, row: type[Row], pk: str, sk: str, condition: Condition, otherwise: DomainError | None = None
    ) -> None:
        """Hold the transaction to a condition on a row that it doesn't write."""
        self._add("ConditionCheck", row, pk, sk, {"Key": key_of(pk, sk)}, condition, otherwise)

    def record(self, event: IntegrationEvent, aggregate_id: str, version: int) -> str:
        """Stage an event; returns its message id. It exists exactly when this transaction commits."""
        envelope = enclose(
            event,
            Aggregate(type=event.aggregate_type, id=aggregate_id, version=version),
            self.context,
            message_id=self._ids.new(),
            occurred_at=self._clock.now(),
        )
        self._events.append(envelope)
        return envelope.metadata.message_id

    def send(self, command: MessageCommand, destination: Destination) -> str:
        """Stage a command for its handler's queue; returns its message id. It is sent exactly when this commits."""
        envelope = enclose_command(
            command, destination, self.context, message_id=self._ids.new(), occurred_at=self._clock.now()
        )
        self._events.append(envelope)
        return envelope.metadata.message_id

    def rollback(self) -> None:
        """Forget all that was staged."""
        self._writes.clear()
        self._events.clear()

    def _add(
        self,
        kind: str,
        row: Row | type[Row],
        pk: str,
        sk: str,
        request: dict[str, Any],
        condition: Condition | None,
        otherwise: DomainError | None,
        update: Update | None = None,
    ) -> None:
        table = self.store.settings.table(row.table)
        key = (table, pk, sk)
        if key in self._writes:
            raise DuplicateWrite(f"{row.table} {pk} {sk} is written twice in one unit of work")
        names: dict[str, str] = {}
        values: dict[str, Any] = {}
        request = {"TableName": table, **request}
        if condition is not None:
            request["ConditionExpression"] = condition.serialize(names, values)
        if update is not None:
            request["UpdateExpression"] = update.serialize(names, values)
        if names:
            request["ExpressionAttributeNames"] = {placeholder: name for name, placeholder in names.items()}
        if values:
            request["ExpressionAttributeValues"] = values
        self._writes[key] = _Write({kind: request}, otherwise, _encode({kind: request}).encode())

    def commit(self) -> None:
        """Write everything in one transaction; does nothing when there is nothing to write.

        Raises `Refused` or `StaleRead` for a failed condition, `TransactionTooLarge` before anything is sent, and
        `TransactionUnavailable` when conflicts or throttles outlast the deadline of the message.
        """
        if self._events:
            self._add_outbox_item()
        if not self._writes:
            return
        writes = list(self._writes.values())
        if len(writes) > MAX_ACTIONS:
            raise TransactionTooLarge(f"{len(writes)} actions, {MAX_ACTIONS} fit in one transaction")
        if sum(len(write.encoded) for write in writes) > MAX_BYTES:
            raise TransactionTooLarge(f"more than {MAX_BYTES} bytes don't fit in one transaction")
        self._send(writes)

    def _add_outbox_item(self) -> None:
        item = OutboxItem.holding(self._events, item_id=self._ids.new(), now=self._clock.now())
        self.insert(item.to_row(self._payloads))

    def _send(self, writes: list[_Write]) -> None:
        from botocore.exceptions import ClientError

        actions = [write.request for write in writes]
        digest = hashlib.sha256(self.context.message_id.encode())
        for write in writes:
            digest.update(write.encoded)
        token = digest.hexdigest()[:36]
        attempt = 0
        while True:
            try:
                self.store.dynamodb.transact_write_items(TransactItems=actions, ClientRequestToken=token)
                return
            except ClientError as error:
                self._raise_unless_repeatable(error, writes)
                pause = random.uniform(0, min(1.0, 0.02 * 2**attempt))
                if (self.context.deadline - self._clock.now()).total_seconds() <= pause:
                    raise TransactionUnavailable("the deadline passed while the transaction was in conflict") from error
            self._sleep(pause)
            attempt += 1

    @staticmethod
    def _raise_unless_repeatable(error: Any, writes: list[_Write]) -> None:
        code = error.response["Error"]["Code"]
        if code in _REPEATABLE_ERRORS:
            return
        if code != "TransactionCanceledException":
            raise error
        reasons = [reason.get("Code", "None") for reason in error.response.get("CancellationReasons", [])]
        for write, reason in zip(writes, reasons, strict=True):
            if reason == "ConditionalCheckFailed":
                if write.otherwise is not None:
                    raise Refused(write.otherwise) from error
                raise StaleRead("a row changed since it was read") from error
        if not set(reasons) - {"None"} <= _REPEATABLE_REASONS:
            raise error
