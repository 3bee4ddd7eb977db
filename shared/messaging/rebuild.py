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
import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import ValidationError
from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.cqrs.messages import IntegrationEvent
from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict
from shared.kernel.principals import System
from shared.messaging.envelope import Metadata
from shared.messaging.payloads import DamagedPayload
from shared.messaging.projections import (
    Fact,
    Generations,
    Projection,
    generation_prefix,
    pointer_partition,
    read_generations,
    write_generations,
)
from shared.messaging.registry import UnreadableEvent, read_event
from shared.observability.logger import log
from shared.persistence.rows import ReadModelRow, absent
from shared.persistence.scope import Runtime
from shared.persistence.store import Store
from shared.persistence.unit_of_work import MAX_ACTIONS, StaleRead, UnitOfWork

GRACE = timedelta(minutes=2)
"""Longer than a subscriber's function may run."""

_CLOCKS_DIFFER = timedelta(hours=1)
_REBUILD = "REBUILD#"
_LOG_KEY = re.compile(r"\d{4}-\d\d-\d\d/\d\d/([^/]+)/([^/]+)/[^/]+\.json")
_KEYS_PER_PAGE = 1_000
_EVENTS_PER_STEP = 100
_ROWS_PER_STEP = 500
_ATTEMPTS = 6


class Phase(StrEnum):
    FEEDING = "feeding"
    VERIFYING = "verifying"
    REMOVING = "removing"
    DONE = "done"


class RebuildUnderWay(Conflict):
    def __init__(self, name: str, operation_id: str) -> None:
        super().__init__(f"The read model {name} is being rebuilt by operation {operation_id}. Wait for its end.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildProgress:
    """How far a rebuild is.

    `taken` counts the events of the log that the new generation took; `unreadable` those that couldn't be read, which
    the live projector couldn't either. `missing` counts the rows of the current generation that the new one lacked when
    it was last verified; events from `missing_since` on are then read again. `position` is the last key that was dealt
    with. `waiting` asks to come back later.
    """

    operation_id: str
    model: str
    started_at: str
    phase: Phase = Phase.FEEDING
    position: str = ""
    taken: int = 0
    unreadable: int = 0
    missing: int = 0
    missing_since: str | None = None
    replaced: str | None = None
    switched_at: str | None = None
    waiting: bool = False
    revision: int = 0

    @property
    def finished(self) -> bool:
        return self.phase is Phase.DONE


class RebuildRow(ReadModelRow):
    started_at = UnicodeAttribute()
    phase = UnicodeAttribute()
    position = UnicodeAttribute()
    taken = NumberAttribute()
    unreadable = NumberAttribute()
    missing = NumberAttribute()
    missing_since = UnicodeAttribute(null=True)
    replaced = UnicodeAttribute(null=True)
    switched_at = UnicodeAttribute(null=True)
    revision = NumberAttribute()


def read_rebuild(store: Store, name: str, operation_id: str) -> RebuildProgress | None:
    row = store.get(RebuildRow, pointer_partition(name), _REBUILD + operation_id)
    if row is None:
        return None
    return RebuildProgress(
        operation_id=operation_id,
        model=name,
        started_at=row.started_at,
        phase=Phase(row.phase),
        position=row.position,
        taken=int(row.taken),
        unreadable=int(row.unreadable),
        missing=int(row.missing),
        missing_since=row.missing_since,
        replaced=row.replaced,
        switched_at=row.switched_at,
        revision=int(row.revision),
    )


def rebuild(
    runtime: Runtime,
    projection: Projection[Any],
    operation_id: str,
    *,
    until: datetime,
    accept_missing: bool = False,
) -> RebuildProgress:
    """Start the rebuild `operation_id`, or go on with it, until it is finished, has to wait, or `until` is reached.

    Call it again under the same id until it is `finished`. With `accept_missing` the switch is made although rows of
    the current generation are missing from the new one, as those are that came from no event. Raises `RebuildUnderWay`
    while another operation rebuilds the model.
    """
    if not operation_id or "#" in operation_id:
        raise ValueError("an operation's id names a generation: it isn't empty and has no #")
    work = _Rebuild(runtime, projection, operation_id, until, accept_missing)
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


class _Rebuild:
    def __init__(
        self,
        runtime: Runtime,
        projection: Projection[Any],
        operation_id: str,
        until: datetime,
        accept_missing: bool,
    ) -> None:
        self._runtime = runtime
        self._projection = projection
        self._operation_id = operation_id
        self._until = until
        self._accept_missing = accept_missing
        self._log = _EventLog(runtime, projection.event)

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
        last_hour = _hour(datetime.fromisoformat(progress.started_at) + _CLOCKS_DIFFER)
        page = self._log.page(progress.position, last_hour)
        taken = unreadable = 0
        for key in page.keys:
            fact = self._log.read(key)
            if fact is None:
                unreadable += 1
            elif self._take(fact):
                taken += 1
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
        if self._in_grace(progress.started_at):
            return replace(progress, waiting=True)
        current = read_generations(self._runtime.store, self._projection.name).current
        rows, position = self._rows(current, progress.position)
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
            behind = replace(progress, phase=Phase.FEEDING, position=_hour(datetime.fromisoformat(since)))
            return replace(self._save(behind), waiting=True)
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
        if self._in_grace(progress.switched_at):
            return replace(progress, waiting=True)
        rows, position = self._rows(progress.replaced, progress.position)
        for start in range(0, len(rows), MAX_ACTIONS):
            uow = self._uow(f"remove:{progress.revision}:{start}")
            for row in rows[start : start + MAX_ACTIONS]:
                uow.delete(ReadModelRow, row["pk"]["S"], row["sk"]["S"])
            uow.commit()
        return self._save(replace(progress, phase=Phase.REMOVING if position else Phase.DONE, position=position))

    def _rows(self, generation: str, position: str) -> tuple[list[dict[str, Any]], str]:
        """Some rows of a generation, and where to go on: `""` at the end."""
        request: dict[str, Any] = {
            "TableName": self._runtime.settings.table(ReadModelRow.table),
            "FilterExpression": "begins_with(pk, :generation)",
            "ExpressionAttributeValues": {":generation": {"S": generation_prefix(self._projection.name, generation)}},
            "ConsistentRead": True,
            "Limit": _ROWS_PER_STEP,
        }
        if position:
            pk, sk = json.loads(position)
            request["ExclusiveStartKey"] = {"pk": {"S": pk}, "sk": {"S": sk}}
        answer = self._runtime.client("dynamodb").scan(**request)
        last = answer.get("LastEvaluatedKey")
        return answer["Items"], json.dumps([last["pk"]["S"], last["sk"]["S"]]) if last else ""

    def _in_grace(self, since: str) -> bool:
        return self._runtime.clock.now() < datetime.fromisoformat(since) + GRACE

    def _uow(self, step: str) -> UnitOfWork:
        now = self._runtime.clock.now()
        return self._runtime.begin(
            Context(
                message_id=f"{self._operation_id}:{self._projection.name}:{step}",
                correlation_id=self._operation_id,
                received_at=now,
                deadline=max(self._until, now + timedelta(seconds=2)),
                principal=System("rebuild"),
            )
        )

    def _save(self, progress: RebuildProgress, uow: UnitOfWork | None = None) -> RebuildProgress:
        saved = replace(progress, revision=progress.revision + 1)
        uow = uow or self._uow(f"progress:{saved.revision}")
        row = RebuildRow(
            pk=pointer_partition(saved.model),
            sk=_REBUILD + saved.operation_id,
            started_at=saved.started_at,
            phase=saved.phase,
            position=saved.position,
            taken=saved.taken,
            unreadable=saved.unreadable,
            missing=saved.missing,
            missing_since=saved.missing_since,
            replaced=saved.replaced,
            switched_at=saved.switched_at,
            revision=saved.revision,
        )
        uow.put(row, condition=RebuildRow.revision == progress.revision if progress.revision else absent())
        uow.commit()
        return saved


@dataclass(frozen=True, slots=True)
class _LogPage:
    keys: list[str]
    position: str
    goes_on: bool


class _EventLog:
    """The events of one type in the log, whose keys sort by the hour: `<date>/<hour>/<source>/<detail type>/<id>.json`.

    All keys are listed, a thousand at a time, and only the objects of this type are read.
    """

    def __init__(self, runtime: Runtime, event: type[IntegrationEvent]) -> None:
        self._runtime = runtime
        self._event = event

    def page(self, position: str, last_hour: str) -> _LogPage:
        """The events' keys behind a position up to the end of an hour: some of them, and where to go on."""
        answer = self._runtime.client("s3").list_objects_v2(
            Bucket=self._runtime.settings["EVENTS_BUCKET"], StartAfter=position, MaxKeys=_KEYS_PER_PAGE
        )
        listed = [one["Key"] for one in answer.get("Contents", [])]
        keys: list[str] = []
        for key in listed:
            logged = _LOG_KEY.fullmatch(key)
            if logged is None or key[: len(last_hour)] > last_hour:
                return _LogPage(keys, position, goes_on=False)
            position = key
            if logged.groups() == (self._event.source(), self._event.detail_type()):
                keys.append(key)
                if len(keys) == _EVENTS_PER_STEP:
                    return _LogPage(keys, position, goes_on=True)
        return _LogPage(keys, position, goes_on=bool(answer.get("IsTruncated")))

    def read(self, key: str) -> Fact[Any] | None:
        """One event, `None` for one that this code can't read, which is logged."""
        answer = self._runtime.client("s3").get_object(Bucket=self._runtime.settings["EVENTS_BUCKET"], Key=key)
        try:
            detail = json.loads(answer["Body"].read())["detail"]
            metadata = Metadata.model_validate(detail["metadata"])
            data = detail["data"]
            if metadata.payload is not None:
                data = json.loads(self._runtime.payloads.get(metadata.payload))
            event = read_event(self._event, metadata, data)
            if metadata.aggregate is None:
                raise UnreadableEvent("the event says nothing of its aggregate")
        except (ValidationError, UnreadableEvent, DamagedPayload, ValueError, KeyError, TypeError, AttributeError):
            log().exception("an event of the log can't be read", extra={"key": key})
            return None
        return Fact(event, metadata.message_id, metadata.occurred_at, metadata.aggregate.version)


def _hour(moment: datetime) -> str:
    return rfc3339(moment)[:13].replace("T", "/")
