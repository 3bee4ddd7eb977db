"""Rebuilds a read model: feeds its projection straight from the event log into a new generation, then switches to it.

The steps, each of which may be interrupted anywhere and goes on from where it was:

1. feeding: from the start on the live projector writes to both generations; meanwhile the log is read from its
   beginning. An event that comes both ways has one effect, as with any repetition.
2. verifying: an event that the projector took just before the start may have reached the log only after it was read
   past. So each row of the current generation is looked for in the new one; what it lacks is fed from its hour on again
   until nothing is missing. Whatever the log's delay, nothing is lost.
3. The switch is one conditional write of the pointer.
4. removing: the old generation's rows are deleted.

Messages that are in flight at the start and at the switch decided on the generations of before; `GRACE` lets them end.
"""

import json
import math
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError

from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict
from shared.kernel.principals import System
from shared.messaging.event_log import EventLog, LogPage, hour_of, parse_logged
from shared.messaging.payloads import DamagedPayload
from shared.messaging.projections import (
    Fact,
    Generations,
    Projection,
    SourceLost,
    generation_prefix,
    read_generations,
    write_generations,
)
from shared.messaging.rebuild_progress import Phase, RebuildProgress, read_rebuild, write_rebuild
from shared.messaging.registry import UnreadableMessage
from shared.observability.logger import log
from shared.persistence.rows import ReadModelRow
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import MAX_ACTIONS, StaleRead, UnitOfWork

GRACE = timedelta(minutes=2)
"""Longer than a subscriber's function may run."""

_CLOCKS_DIFFER = timedelta(hours=1)
_EVENTS_PER_STEP = 100
_PAGES_PER_STEP = 50
_LOG_DELAY_SECONDS = 10
"""What the new generation lacks may reach the log any moment: it isn't asked for sooner."""
_ROWS_PER_STEP = 500
_ATTEMPTS = 6


class RebuildUnderWay(Conflict):
    def __init__(self, name: str, operation_id: str) -> None:
        super().__init__(f"The read model {name} is being rebuilt by operation {operation_id}. Wait for its end.")


def rebuild(
    runtime: Runtime,
    projection: Projection[Any],
    operation_id: str,
    *,
    until: datetime,
    accept_missing: bool = False,
    grace: timedelta = GRACE,
) -> RebuildProgress:
    """Start the rebuild `operation_id`, or go on with it, until it is finished, has to wait, or `until` is reached.

    Call it again under the same id until it is `finished`. With `accept_missing` the switch is made although rows of
    the current generation are missing from the new one, as those are that came from no event. `grace` is how long
    messages in flight may take. Raises `RebuildUnderWay` while another operation rebuilds the model.
    """
    if not operation_id or "#" in operation_id:
        raise ValueError("an operation's id names a generation: it isn't empty and has no #")
    work = _Rebuild(runtime, projection, operation_id, until, accept_missing, grace)
    while True:
        try:
            progress = work.step()
        except StaleRead:
            # Somebody else goes on with the same operation; their step is as good as ours.
            if runtime.clock.now() >= until:
                raise
            continue
        if progress.finished or progress.waiting or runtime.clock.now() >= until:
            return progress


def withdraw(runtime: Runtime, projection: Projection[Any], operation_id: str, *, until: datetime) -> bool:
    """Give up a rebuild: no further message writes to its generation. Whether this call did it.

    What it has written stays; `remove_generation` deletes it, once messages in flight have ended. Raises `Conflict`
    when the read model has been switched to it already.
    """
    before = read_generations(runtime.store, projection.name)
    if before.current == operation_id:
        raise Conflict("The read model is switched to the new generation already.")
    if before.building != operation_id:
        return False
    uow = runtime.begin(_context(runtime, projection, operation_id, "withdraw", until))
    write_generations(uow, projection.name, before, replace(before, building=None))
    uow.commit()
    return True


def remove_generation(
    runtime: Runtime, projection: Projection[Any], operation_id: str, generation: str, position: str, *, until: datetime
) -> str:
    """Delete some rows of a generation that nobody reads or writes; returns where to go on, `""` at the end."""
    rows, behind = _rows(runtime, projection.name, generation, position)
    projection.discard(generation, rows)
    for start in range(0, len(rows), MAX_ACTIONS):
        uow = runtime.begin(_context(runtime, projection, operation_id, f"remove:{position}:{start}", until))
        for row in rows[start : start + MAX_ACTIONS]:
            uow.delete(ReadModelRow, row["pk"]["S"], row["sk"]["S"])
        uow.commit()
    return behind


class _Rebuild:
    def __init__(
        self,
        runtime: Runtime,
        projection: Projection[Any],
        operation_id: str,
        until: datetime,
        accept_missing: bool,
        grace: timedelta,
    ) -> None:
        self._runtime = runtime
        self._projection = projection
        self._operation_id = operation_id
        self._until = until
        self._accept_missing = accept_missing
        self._grace = grace
        self._log = EventLog(runtime.client("s3"), runtime.settings)

    def step(self) -> RebuildProgress:
        progress = read_rebuild(self._runtime.store, self._projection.name, self._operation_id)
        if progress is None:
            return self._begin()
        match progress.phase:
            case Phase.FEEDING:
                return self._feed(progress)
            case Phase.VERIFYING:
                return self._verify(progress)
            case Phase.REMOVING:
                return self._remove(progress)
            case Phase.DONE:
                return progress

    def _begin(self) -> RebuildProgress:
        name = self._projection.name
        before = read_generations(self._runtime.store, name)
        if before.building is not None:
            raise RebuildUnderWay(name, before.building)
        started_at = rfc3339(self._runtime.clock.now())
        begun = RebuildProgress(operation_id=self._operation_id, model=name, started_at=started_at)
        uow = self._uow("begin")
        write_generations(uow, name, before, replace(before, building=self._operation_id))
        return self._save(begun, uow)

    def _feed(self, progress: RebuildProgress) -> RebuildProgress:
        # What occurs later goes to both generations: reading on would chase the present.
        last_hour = hour_of(datetime.fromisoformat(progress.started_at) + _CLOCKS_DIFFER)
        page = self._next_page(progress.position, last_hour)
        taken = unreadable = 0
        for key in page.keys:
            fact = self._read(key)
            try:
                if fact is None:
                    unreadable += 1
                elif self._take(fact):
                    taken += 1
            except SourceLost:
                log().exception("what an event tells of is lost", extra={"key": key})
                unreadable += 1
        return self._save(
            replace(
                progress,
                phase=Phase.FEEDING if page.goes_on else Phase.VERIFYING,
                position=page.position if page.goes_on else "",
                taken=progress.taken + taken,
                unreadable=progress.unreadable + unreadable,
                missing=progress.missing if page.goes_on else 0,
                missing_since=progress.missing_since if page.goes_on else None,
            )
        )

    def _next_page(self, position: str, last_hour: str) -> LogPage:
        """The next page with events, unless many hours have none of this kind."""
        event = self._projection.event
        page = LogPage((), position, goes_on=True)
        for _ in range(_PAGES_PER_STEP):
            page = self._log.page(event.source(), event.detail_type(), page.position, last_hour, _EVENTS_PER_STEP)
            if page.keys or not page.goes_on:
                break
        return page

    def _read(self, key: str) -> Fact[Any] | None:
        """One event, `None` for one that this code can't read, which is logged."""
        body = self._log.read(key)
        try:
            event, metadata = parse_logged(self._projection.event, body, self._runtime.payloads)
            if metadata.aggregate is None:
                raise UnreadableMessage("the event says nothing of its aggregate")
        except (ValidationError, UnreadableMessage, DamagedPayload, ValueError, KeyError, TypeError, AttributeError):
            log().exception("an event of the log can't be read", extra={"key": key})
            return None
        return Fact(event, metadata.message_id, metadata.occurred_at, metadata.aggregate.version)

    def _take(self, fact: Fact[Any]) -> bool:
        for _ in range(_ATTEMPTS):
            uow = self._uow(fact.message_id)
            taken = self._projection.apply(uow, self._operation_id, fact)
            try:
                uow.commit()
            except StaleRead:
                # The live projector changed the same row.
                continue
            return taken
        raise StaleRead("others kept changing what the event changes")

    def _verify(self, progress: RebuildProgress) -> RebuildProgress:
        if (left := self._grace_left(progress.started_at)) > 0:
            return replace(progress, wait_seconds=left)
        current = read_generations(self._runtime.store, self._projection.name).current
        rows, position = _rows(self._runtime, self._projection.name, current, progress.position)
        missing, since = progress.missing, progress.missing_since
        for row in rows:
            occurred_at = self._projection.unexplained(self._runtime.store, row, current, self._operation_id)
            if occurred_at is not None:
                missing, since = missing + 1, min(since or occurred_at, occurred_at)
        progress = replace(progress, position=position, missing=missing, missing_since=since)
        if position:
            return self._save(progress)
        if missing and not self._accept_missing:
            assert since is not None
            behind = replace(progress, phase=Phase.FEEDING, position=hour_of(datetime.fromisoformat(since)))
            return replace(self._save(behind), wait_seconds=_LOG_DELAY_SECONDS)
        return self._switch(progress, current)

    def _switch(self, progress: RebuildProgress, current: str) -> RebuildProgress:
        uow = self._uow("switch")
        before = Generations(current, self._operation_id)
        write_generations(uow, self._projection.name, before, Generations(self._operation_id))
        switched_at = rfc3339(self._runtime.clock.now())
        return self._save(replace(progress, phase=Phase.REMOVING, replaced=current, switched_at=switched_at), uow)

    def _remove(self, progress: RebuildProgress) -> RebuildProgress:
        assert progress.replaced is not None
        assert progress.switched_at is not None
        if (left := self._grace_left(progress.switched_at)) > 0:
            return replace(progress, wait_seconds=left)
        position = remove_generation(
            self._runtime,
            self._projection,
            self._operation_id,
            progress.replaced,
            progress.position,
            until=self._until,
        )
        return self._save(replace(progress, phase=Phase.REMOVING if position else Phase.DONE, position=position))

    def _grace_left(self, since: str) -> int:
        """Seconds until whatever was in flight then has ended."""
        left = datetime.fromisoformat(since) + self._grace - self._runtime.clock.now()
        return math.ceil(max(left.total_seconds(), 0))

    def _uow(self, step: str) -> UnitOfWork:
        return self._runtime.begin(_context(self._runtime, self._projection, self._operation_id, step, self._until))

    def _save(self, progress: RebuildProgress, uow: UnitOfWork | None = None) -> RebuildProgress:
        uow = uow or self._uow(f"progress:{progress.revision + 1}")
        saved = write_rebuild(uow, progress)
        uow.commit()
        return saved


def _context(runtime: Runtime, projection: Projection[Any], operation_id: str, step: str, until: datetime) -> Context:
    now = runtime.clock.now()
    return Context(
        message_id=f"{operation_id}:{projection.name}:{step}",
        correlation_id=operation_id,
        received_at=now,
        deadline=max(until, now + timedelta(seconds=2)),
        principal=System("rebuild"),
    )


def _rows(runtime: Runtime, name: str, generation: str, position: str) -> tuple[list[dict[str, Any]], str]:
    """Some rows of a generation, and where to go on: `""` at the end."""
    request: dict[str, Any] = {
        "TableName": runtime.settings.table(ReadModelRow.table),
        "FilterExpression": "begins_with(pk, :generation)",
        "ExpressionAttributeValues": {":generation": {"S": generation_prefix(name, generation)}},
        "ConsistentRead": True,
        "Limit": _ROWS_PER_STEP,
    }
    if position:
        pk, sk = json.loads(position)
        request["ExclusiveStartKey"] = {"pk": {"S": pk}, "sk": {"S": sk}}
    answer = runtime.client("dynamodb").scan(**request)
    last = answer.get("LastEvaluatedKey")
    return answer["Items"], json.dumps([last["pk"]["S"], last["sk"]["S"]]) if last else ""
