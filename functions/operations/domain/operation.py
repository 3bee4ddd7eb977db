"""Work larger than one transaction: it runs in steps, each a transaction that goes on where the last one ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

STEP_MESSAGES = 500
"""So many messages a step sends at most, which takes a few seconds of a function's time."""


class OperationKind(StrEnum):
    REDRIVE = "redrive"
    """Every dead letter of a queue is sent to that queue again."""
    REPLAY = "replay"
    """Logged events are sent to one subscriber again."""
    REBUILD = "rebuild"
    """A read model is built anew from the event log."""


class OperationStatus(StrEnum):
    RUNNING = "running"
    COMPLETED = "completed"


@dataclass(frozen=True, slots=True)
class Advance:
    """What one step did: where the next goes on, what it counted, whether all is done."""

    position: str | None
    counts: Mapping[str, int]
    is_finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """`target` is the queue, subscriber or read model; `step` counts the steps done; `version` the writes."""

    operation_id: str
    kind: OperationKind
    target: str
    parameters: Mapping[str, str]
    started_by: str
    started_at: str
    status: OperationStatus = OperationStatus.RUNNING
    step: int = 0
    position: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    updated_at: str = ""
    ended_at: str | None = None
    version: int = 1

    def advanced(self, by: Advance, now: str) -> "Operation":
        counts = {name: self.counts.get(name, 0) + by.counts.get(name, 0) for name in {*self.counts, *by.counts}}
        return replace(
            self,
            position=by.position,
            counts=dict(sorted(counts.items())),
            step=self.step + 1,
            status=OperationStatus.COMPLETED if by.is_finished else OperationStatus.RUNNING,
            updated_at=now,
            ended_at=now if by.is_finished else None,
            version=self.version + 1,
        )
