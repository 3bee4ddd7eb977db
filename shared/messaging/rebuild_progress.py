"""How far a rebuild is, kept in a row beside the read model's pointer."""

from dataclasses import dataclass, replace
from enum import StrEnum

from pynamodb.attributes import NumberAttribute, UnicodeAttribute

from shared.messaging.projections import pointer_partition
from shared.persistence.rows import ReadModelRow, absent
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork

_REBUILD = "REBUILD#"


class Phase(StrEnum):
    FEEDING = "feeding"
    VERIFYING = "verifying"
    REMOVING = "removing"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildProgress:
    """How far a rebuild is.

    `taken` counts the events of the log that the new generation took; `unreadable` those that couldn't be read, which
    the live projector couldn't either. `missing` counts the rows of the current generation that the new one lacked when
    it was last verified; events from `missing_since` on are then read again. `position` is the last key that was dealt
    with. `wait_seconds` is how long to wait before it is gone on with.
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
    wait_seconds: int = 0
    revision: int = 0

    @property
    def waiting(self) -> bool:
        return self.wait_seconds > 0

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


def write_rebuild(uow: UnitOfWork, progress: RebuildProgress) -> RebuildProgress:
    """Stage what is reached; who goes on from another progress than there is has to go on from that."""
    saved = replace(progress, revision=progress.revision + 1)
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
    return saved
