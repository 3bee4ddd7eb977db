"""One worker at a time per analysis. SubmitJob has no client token, so the same analysis may be submitted twice.

The lease is a row with an end in time that its holder keeps moving on. A worker that died leaves it behind: a later
attempt of the same Batch job takes it over at once (Batch never runs two attempts side by side), any other job when it
has run out. Whoever held it before finds out at the next renewal and stops. So does the worker of a cancelled analysis:
who cancels it takes the lease for good.
"""

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

LEASE_SECONDS = 60
RENEWED_EVERY_SECONDS = 15
# A finished analysis is remembered for longer than a queue can hold back a second submission.
_REMEMBERED_SECONDS = 21 * 24 * 60 * 60


class LeaseRefused(Exception):
    """Another worker holds the analysis."""


class AnalysisFinished(Exception):
    """The analysis has ended before, and its outcome was sent."""


class LeaseLost(Exception):
    """The analysis was cancelled, or another worker took it over."""


@dataclass(frozen=True, slots=True)
class LeaseRow:
    """`token` belongs to one process; `until` is in seconds since 1970."""

    token: str
    owner: str
    attempt: int
    until: float
    finished: bool = False

    def admits(self, owner: str, attempt: int, now: float) -> bool:
        if self.finished:
            return False
        return self.until <= now or (self.owner == owner and attempt >= self.attempt)


class LeaseTable(Protocol):
    def read(self) -> LeaseRow | None: ...

    def replace(self, expected: LeaseRow | None, row: LeaseRow, keep_until: int) -> bool:
        """Writes the row if the one there is still the expected one; whether it was."""
        ...


class Lease:
    """A lease that this process holds."""

    def __init__(self, table: LeaseTable, row: LeaseRow, now: Callable[[], datetime]) -> None:
        self._table = table
        self._row = row
        self._now = now
        # The keeper renews from a thread of its own.
        self._lock = threading.Lock()

    @classmethod
    def take(cls, table: LeaseTable, *, token: str, owner: str, attempt: int, now: Callable[[], datetime]) -> "Lease":
        """Raises `LeaseRefused` or `AnalysisFinished`."""
        current = table.read()
        seconds = now().timestamp()
        if current is not None and current.finished:
            raise AnalysisFinished
        if current is not None and not current.admits(owner, attempt, seconds):
            raise LeaseRefused
        row = LeaseRow(token, owner, attempt, seconds + LEASE_SECONDS)
        if not table.replace(current, row, _kept_until(row)):
            raise LeaseRefused
        return cls(table, row, now)

    def renew(self) -> None:
        self._become(until=self._now().timestamp() + LEASE_SECONDS, finished=False)

    def finish(self) -> None:
        self._become(until=self._now().timestamp(), finished=True)

    def release(self) -> None:
        """Lets the next attempt begin at once."""
        self._become(until=self._now().timestamp(), finished=False)

    @property
    def has_run_out(self) -> bool:
        with self._lock:
            return self._row.until <= self._now().timestamp()

    def _become(self, *, until: float, finished: bool) -> None:
        with self._lock:
            row = replace(self._row, until=until, finished=finished)
            if not self._table.replace(self._row, row, _kept_until(row)):
                raise LeaseLost
            self._row = row


def _kept_until(row: LeaseRow) -> int:
    return int(row.until) + _REMEMBERED_SECONDS


class LeaseKeeper:
    """Renews a lease in the background while it is entered. `check` raises `LeaseLost` once that has failed."""

    def __init__(self, lease: Lease, every_seconds: float = RENEWED_EVERY_SECONDS) -> None:
        self._lease = lease
        self._every_seconds = every_seconds
        self._stopped = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="lease", daemon=True)

    def __enter__(self) -> "LeaseKeeper":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def check(self) -> None:
        if self._lost.is_set():
            raise LeaseLost

    def _keep(self) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        while not self._stopped.wait(self._every_seconds):
            try:
                self._lease.renew()
            except LeaseLost:
                self._lost.set()
                return
            except (BotoCoreError, ClientError):
                # Out of reach for a moment; as long as the lease lasts nobody else can have it.
                if self._lease.has_run_out:
                    self._lost.set()
                    return


class DynamoLeaseTable:
    """The lease's row in the Ephemeral table."""

    def __init__(self, client: Any, table: str, pk: str) -> None:
        self._client = client
        self._table = table
        self._key = {"pk": {"S": pk}, "sk": {"S": "lease"}}

    def read(self) -> LeaseRow | None:
        item: Mapping[str, Mapping[str, str]] | None = self._client.get_item(
            TableName=self._table, Key=self._key, ConsistentRead=True
        ).get("Item")
        if item is None:
            return None
        return LeaseRow(
            token=item["token"]["S"],
            owner=item["owner"]["S"],
            attempt=int(item["attempt"]["N"]),
            until=float(item["until"]["N"]),
            finished=bool(item["finished"]["BOOL"]),
        )

    def replace(self, expected: LeaseRow | None, row: LeaseRow, keep_until: int) -> bool:
        from botocore.exceptions import ClientError

        # `or`: the same bytes sent again after a lost reply find the row already written.
        before = "attribute_not_exists(pk)" if expected is None else "#token = :token AND #until = :until"
        values = {":own": {"S": row.token}, ":new": {"N": _number(row.until)}}
        if expected is not None:
            values |= {":token": {"S": expected.token}, ":until": {"N": _number(expected.until)}}
        try:
            self._client.put_item(
                TableName=self._table,
                Item={
                    **self._key,
                    "token": {"S": row.token},
                    "owner": {"S": row.owner},
                    "attempt": {"N": str(row.attempt)},
                    "until": {"N": _number(row.until)},
                    "finished": {"BOOL": row.finished},
                    "expires_at": {"N": str(keep_until)},
                },
                ConditionExpression=f"({before}) OR (#token = :own AND #until = :new)",
                ExpressionAttributeNames={"#token": "token", "#until": "until"},
                ExpressionAttributeValues=values,
            )
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _number(seconds: float) -> str:
    return f"{seconds:.6f}"
