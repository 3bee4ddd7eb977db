"""Sliding-window limits: one counter per subject, changed by one conditional write per request.

The estimate is that of a two-bucket weighted counter (Cloudflare, "How we built rate limiting"): what the previous
window counted, in proportion to how much of it the sliding window still covers, and what this window has counted. A
request passes while that leaves room for it. It takes the previous window's requests for evenly spread: after a burst
at that window's end more than the limit can pass within one window's length, never twice as many.

Refused requests don't count, so a caller who keeps trying isn't locked out for longer; and a request that one limit
refuses is taken back from those that had let it pass, so that one tenant's flood costs neither another tenant nor a
colleague. It is told to wait until the last of its limits has room for it.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pynamodb.attributes import NumberAttribute

from shared.aws.clients import error_code
from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread, raw_fields
from shared.cqrs.policy import Limit, Per, RateLimit
from shared.kernel.clock import unix_ms
from shared.kernel.errors import RateLimited
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result
from shared.persistence.rows import EphemeralRow, key_of
from shared.persistence.scope import Runtime

_ATTEMPTS = 8
_MAX_REMEMBERED = 10_000
_SORT_KEY = "WINDOW"
_THROTTLES = frozenset({"ProvisionedThroughputExceededException", "RequestLimitExceeded", "ThrottlingException"})


class Limits(Protocol):
    def limits(self, feature: str, workspace_id: str | None) -> Sequence[Limit]:
        """What the tier of a workspace (or of a caller outside of one) allows for a feature."""
        ...


class WindowRow(EphemeralRow):
    """How many requests of one subject passed in the window with the number `window`, and in the one before."""

    window = NumberAttribute()
    current = NumberAttribute()
    previous = NumberAttribute()


@dataclass(frozen=True, slots=True)
class Counts:
    window: int
    current: int
    previous: int

    def in_window(self, window: int) -> "Counts":
        """The same requests as a later window sees them."""
        if window <= self.window:
            # The clock of whoever counted last may be a little ahead of ours.
            return self
        return Counts(window, 0, self.current if window == self.window + 1 else 0)


class RateLimiting:
    def __init__(self, policy: RateLimit, runtime: Runtime, tiers: Limits | None = None) -> None:
        self._policy = policy
        self._runtime = runtime
        self._tiers = tiers
        self._windows = Windows(runtime)

    def __call__(self, proceed: Proceed) -> Proceed:
        def limited(message: Message | Unread, context: Context) -> Result[Any]:
            counted = list(self._subjects(message, context))
            refusal = self._count(counted)
            if refusal is not None:
                return Failure(refusal)
            result = proceed(message, context)
            if not isinstance(result, Failure):
                for subject, limit in counted:
                    if limit.spares_successes:
                        self._windows.give_back(subject, limit)
            return result

        return limited

    def _count(self, subjects: Sequence[tuple[str, Limit]]) -> RateLimited | None:
        """Count a request for all of its subjects, or for none."""
        for at, (subject, limit) in enumerate(subjects):
            wait_seconds = self._windows.take(subject, limit)
            if wait_seconds is None:
                continue
            for earlier, its_limit in subjects[:at]:
                self._windows.give_back(earlier, its_limit)
            waits = [(wait_seconds, limit)]
            waits += [(self._windows.wait(later, its_limit), its_limit) for later, its_limit in subjects[at + 1 :]]
            return _refused(*max(waits, key=lambda wait: wait[0]))
        return None

    def _subjects(self, message: Message | Unread, context: Context) -> Iterator[tuple[str, Limit]]:
        """Whom each limit counts, the narrowest first. A limit on what a request doesn't have counts nobody."""
        tiers = self._tiers.limits(self._policy.feature, context.workspace_id) if self._tiers else ()
        for limit in sorted((*self._policy.limits, *tiers), key=lambda one: _NARROWEST_FIRST.index(one.per)):
            subject = self._subject(limit.per, message, context)
            if subject is not None:
                # Two limits of one kind may differ in their windows.
                yield f"{limit.per}#{limit.window_seconds}#{subject}", limit

    def _subject(self, per: Per, message: Message | Unread, context: Context) -> str | None:
        feature = self._policy.feature
        match per:
            case Per.USER:
                return _caller(context)
            case Per.MEMBER:
                caller = _caller(context)
                return caller and context.workspace_id and f"{context.workspace_id}#{caller}"
            case Per.WORKSPACE:
                return context.workspace_id
            case Per.FEATURE:
                return context.workspace_id and f"{context.workspace_id}#{feature}"
            case Per.SOURCE:
                return context.source and f"{feature}#{context.source}"
            case Per.ACCOUNT:
                account = self._account(message)
                return account and f"{feature}#{account}"
            case Per.SOURCE_AND_ACCOUNT:
                account = self._account(message)
                return account and context.source and f"{feature}#{context.source}#{account}"

    def _account(self, message: Message | Unread) -> str | None:
        account = self._policy.account(raw_fields(message)) if self._policy.account else None
        # A name somebody has given is no key: it may be personal, and of any length.
        return hashlib.sha256(account.encode(errors="replace")).hexdigest()[:32] if account else None


def _caller(context: Context) -> str | None:
    return None if isinstance(context.principal, Anonymous) else context.principal.actor


def _refused(wait_seconds: int, limit: Limit) -> RateLimited:
    return RateLimited(
        f"Too many requests: {limit.requests} in {limit.window_seconds} seconds are allowed.",
        retry_after_seconds=wait_seconds,
    )


_NARROWEST_FIRST = (Per.SOURCE_AND_ACCOUNT, Per.SOURCE, Per.ACCOUNT, Per.USER, Per.MEMBER, Per.FEATURE, Per.WORKSPACE)


class _Throttled(Exception):
    """DynamoDB takes no more writes of one key at the moment."""


class Windows:
    """The counters, in the ephemeral table.

    A process remembers what the previous window counted, since that no longer changes: the write that assumes it is
    then the only call.
    """

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._previous: dict[str, tuple[int, int]] = {}

    def take(self, subject: str, limit: Limit) -> int | None:
        """Count one request; `None` when it passes, and otherwise the seconds until one will."""
        length_ms = limit.window_seconds * 1000
        stored: Counts | None = None
        for _attempt in range(_ATTEMPTS):
            window, elapsed_ms = divmod(self._now_ms(), length_ms)
            # A wrong guess is corrected by what is stored.
            seen = stored.in_window(window) if stored else Counts(window, 0, self._recall(subject, window))
            if seen.window > window:
                elapsed_ms = 0
            room = _room(limit, seen.previous, elapsed_ms)
            if seen.current >= room:
                return _wait_seconds(limit, seen, elapsed_ms)
            try:
                taken, stored = self._write(subject, limit, seen, stored, room)
            except _Throttled:
                # The key is this subject's own, so its own requests are what is too many for the table.
                return 1
            if taken:
                self._remember(subject, seen)
                return None
        # Only requests of this same subject can have come in between each time.
        return 1

    def wait(self, subject: str, limit: Limit) -> int:
        """The seconds until a request will pass, 0 when one would now. Counts nothing."""
        stored = self._stored(subject)
        if stored is None:
            return 0
        window, elapsed_ms = divmod(self._now_ms(), limit.window_seconds * 1000)
        seen = stored.in_window(window)
        if seen.window > window:
            elapsed_ms = 0
        return 0 if seen.current < _room(limit, seen.previous, elapsed_ms) else _wait_seconds(limit, seen, elapsed_ms)

    def _recall(self, subject: str, window: int) -> int:
        remembered_window, previous = self._previous.get(subject, (window, 0))
        return previous if remembered_window == window else 0

    def _remember(self, subject: str, seen: Counts) -> None:
        if len(self._previous) >= _MAX_REMEMBERED:
            self._previous.clear()
        self._previous[subject] = (seen.window, seen.previous)

    def give_back(self, subject: str, limit: Limit) -> None:
        """Take one request back that was counted in this window; in a later one it no longer matters."""
        from botocore.exceptions import ClientError

        window = self._now_ms() // (limit.window_seconds * 1000)
        try:
            self._runtime.client("dynamodb").update_item(
                TableName=self._table,
                Key=key_of(f"RATE#{subject}", _SORT_KEY),
                UpdateExpression="SET #current = #current - :one",
                ConditionExpression="#window = :window AND #current > :zero",
                ExpressionAttributeNames={"#window": "window", "#current": "current"},
                ExpressionAttributeValues={":one": {"N": "1"}, ":zero": {"N": "0"}, ":window": {"N": str(window)}},
            )
        except ClientError as error:
            if error_code(error) not in {"ConditionalCheckFailedException", *_THROTTLES}:
                raise

    def _write(
        self, subject: str, limit: Limit, seen: Counts, stored: Counts | None, room: int
    ) -> tuple[bool, Counts | None]:
        """Count one request if the counter still is as expected; otherwise tell what it is."""
        from botocore.exceptions import ClientError

        values = {
            ":window": seen.window,
            ":expires": (seen.window + 2) * limit.window_seconds + 60,
            ":one": 1,
        }
        if stored is None or stored.window == seen.window:
            # A new subject, or the same window: others may count at the same time while there is room.
            changes = "#current = if_not_exists(#current, :zero) + :one, #previous = :previous"
            condition = "attribute_not_exists(pk) OR (#window = :window AND #previous = :previous AND #current < :room)"
            values |= {":zero": 0, ":room": room, ":previous": seen.previous}
        else:
            changes = "#current = :one, #previous = :previous"
            condition = "#window = :old_window AND #current = :old_current"
            values |= {
                ":previous": seen.previous,
                ":old_window": stored.window,
                ":old_current": stored.current,
            }
        try:
            self._runtime.client("dynamodb").update_item(
                TableName=self._table,
                Key=key_of(f"RATE#{subject}", _SORT_KEY),
                UpdateExpression=f"SET #window = :window, expires_at = :expires, {changes}",
                ConditionExpression=condition,
                ExpressionAttributeNames={"#window": "window", "#current": "current", "#previous": "previous"},
                ExpressionAttributeValues={name: {"N": str(value)} for name, value in values.items()},
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
            )
        except ClientError as error:
            code = error_code(error)
            if code in _THROTTLES:
                raise _Throttled from error
            if code != "ConditionalCheckFailedException":
                raise
            return False, self._stored(subject, error)
        return True, None

    def _stored(self, subject: str, refused: Any = None) -> Counts | None:
        """What is counted; a refused write may have told so."""
        item = refused.response.get("Item") if refused else None
        row = (
            WindowRow.from_raw_data(item) if item else self._runtime.store.get(WindowRow, f"RATE#{subject}", _SORT_KEY)
        )
        return Counts(int(row.window), int(row.current), int(row.previous)) if row else None

    @property
    def _table(self) -> str:
        return self._runtime.settings.table("ephemeral")

    def _now_ms(self) -> int:
        return unix_ms(self._runtime.clock.now())


def _room(limit: Limit, previous: int, elapsed_ms: int) -> int:
    """How many requests this window may hold at this moment, in whole numbers throughout."""
    length_ms = limit.window_seconds * 1000
    return (limit.requests * length_ms - previous * (length_ms - elapsed_ms)) // length_ms


def _wait_seconds(limit: Limit, seen: Counts, elapsed_ms: int) -> int:
    """The whole seconds until there is room for one more, if nobody else takes it."""
    length_ms = limit.window_seconds * 1000
    others = limit.requests - 1
    if seen.current <= others:
        # Room comes as the previous window slides out of sight.
        wait_ms = length_ms - (others - seen.current) * length_ms / seen.previous - elapsed_ms
    else:
        # This window is the previous one by then.
        wait_ms = length_ms - elapsed_ms + length_ms - others * length_ms / seen.current
    return max(1, math.ceil(wait_ms / 1000))
