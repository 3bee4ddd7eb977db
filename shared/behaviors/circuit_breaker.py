"""Stops calling an outside service that keeps failing, and finds out by single probes when it is back.

After Nygard ("Release It!"). The state is shared by all processes, in the ephemeral table, since a Lambda environment
alone makes too few calls to notice. Closed, a call costs one read; it opens after failures in a row, whoever had them.
Open, calls are refused at once, or answered by a degraded answer where there is one. When its time is over, exactly one
caller wins the right to probe: a success closes the breaker, a failure opens it for twice as long.
"""

import math
from collections.abc import Callable
from typing import TypeVar

from pynamodb.attributes import NumberAttribute

from shared.aws.clients import error_code
from shared.kernel.clock import unix_ms
from shared.kernel.errors import CircuitOpen, DependencyUnavailable
from shared.observability.logger import log
from shared.persistence.rows import EphemeralRow, key_of
from shared.persistence.scope import Runtime

T = TypeVar("T")

_SORT_KEY = "BREAKER"
_KEPT_SECONDS = 24 * 3600


class BreakerRow(EphemeralRow):
    """`failures` in a row, which count until `failures_end`; `open_until` while open, for the `opened`-th time.

    Times are Unix milliseconds.
    """

    failures = NumberAttribute(default=0)
    failures_end = NumberAttribute(default=0)
    opened = NumberAttribute(default=0)
    open_until = NumberAttribute(null=True)


class CircuitBreaker:
    """Around the calls of one outbound port.

    `failures` are the exceptions by which the port tells that the service is unwell; others say nothing about it and
    pass through. It opens after `threshold` of them in a row, each within `window_seconds` of the one before, first
    for `open_seconds` and at most for `max_open_seconds`. `probe_seconds` must outlast a call.
    """

    def __init__(
        self,
        name: str,
        runtime: Runtime,
        *,
        failures: tuple[type[Exception], ...] = (DependencyUnavailable,),
        threshold: int = 5,
        window_seconds: int = 60,
        open_seconds: int = 10,
        max_open_seconds: int = 300,
        probe_seconds: int = 30,
    ) -> None:
        self._name = name
        self._runtime = runtime
        self._failures = failures
        self._threshold = threshold
        self._window_seconds = window_seconds
        self._open_seconds = open_seconds
        self._max_open_seconds = max_open_seconds
        self._probe_seconds = probe_seconds

    def call(self, port: Callable[[], T], degraded: Callable[[], T] | None = None) -> T:
        """The port's answer, or `degraded` when the port fails or isn't called.

        Without one it raises what the port raises, and `CircuitOpen` while open.
        """
        row = self._runtime.store.get(BreakerRow, self._pk, _SORT_KEY)
        now = self._now()
        probing = False
        if row is not None and row.open_until is not None:
            wait_ms = int(row.open_until) - now
            probing = wait_ms <= 0 and self._win_probe(int(row.open_until), now)
            if not probing:
                return self._refuse(wait_ms, degraded)
        try:
            answer = port()
        except self._failures:
            self._count_failure(row, probing=probing)
            if degraded is None:
                raise
            return degraded()
        if probing:
            log().warning("circuit closed", extra={"breaker": self._name})
        if row is not None and (probing or row.failures):
            self._close(row, probing=probing)
        return answer

    def _refuse(self, wait_ms: int, degraded: Callable[[], T] | None) -> T:
        if degraded is not None:
            return degraded()
        raise CircuitOpen(
            "A service that this needs is unwell at the moment.", retry_after_seconds=max(1, math.ceil(wait_ms / 1000))
        )

    def _win_probe(self, seen: int, now: int) -> bool:
        """Take the one right to probe, for as long as a call may take."""
        return self._update(
            "SET open_until = :lease",
            "open_until = :seen",
            {":lease": now + self._probe_seconds * 1000, ":seen": seen},
        )

    def _count_failure(self, row: BreakerRow | None, *, probing: bool) -> None:
        now = self._now()
        opened = int(row.opened) if row else 0
        if probing:
            self._open(opened, now)
            return
        counted = {":one": 1, ":now": now, ":end": now + self._window_seconds * 1000, ":expires": _expiry(now)}
        another = "SET failures = failures + :one, failures_end = :end, expires_at = :expires"
        first = "SET failures = :one, failures_end = :end, expires_at = :expires"
        if not self._update(another, "failures_end > :now", counted) and not self._update(
            first, "attribute_not_exists(failures_end) OR failures_end <= :now", counted
        ):
            # Somebody else's was the first in between.
            self._update(another, "failures_end > :now", counted)
        row = self._runtime.store.get(BreakerRow, self._pk, _SORT_KEY)
        if row is not None and row.open_until is None and row.failures >= self._threshold:
            self._open(opened, now)

    def _open(self, opened: int, now: int) -> None:
        seconds = min(self._max_open_seconds, self._open_seconds * 2**opened)
        self._update(
            "SET open_until = :until, opened = :opened, failures = :none, failures_end = :none, expires_at = :expires",
            None,
            {":until": now + seconds * 1000, ":opened": opened + 1, ":none": 0, ":expires": _expiry(now)},
        )
        log().error("circuit opened", extra={"breaker": self._name, "seconds": seconds})

    def _close(self, row: BreakerRow, *, probing: bool) -> None:
        """Forget the failures, unless others have had more since."""
        if probing:
            self._update(
                "SET failures = :none, failures_end = :none, opened = :none REMOVE open_until", None, {":none": 0}
            )
            return
        self._update(
            "SET failures = :none, failures_end = :none",
            "failures = :seen AND attribute_not_exists(open_until)",
            {":none": 0, ":seen": int(row.failures)},
        )

    def _update(self, changes: str, condition: str | None, values: dict[str, int]) -> bool:
        from botocore.exceptions import ClientError

        request = {"ConditionExpression": condition} if condition else {}
        try:
            self._runtime.client("dynamodb").update_item(
                TableName=self._runtime.settings.table("ephemeral"),
                Key=key_of(self._pk, _SORT_KEY),
                UpdateExpression=changes,
                ExpressionAttributeValues={name: {"N": str(value)} for name, value in values.items()},
                **request,
            )
        except ClientError as error:
            if error_code(error) != "ConditionalCheckFailedException":
                raise
            return False
        return True

    @property
    def _pk(self) -> str:
        return f"BREAKER#{self._name}"

    def _now(self) -> int:
        return unix_ms(self._runtime.clock.now())


def _expiry(now: int) -> int:
    return now // 1000 + _KEPT_SECONDS
