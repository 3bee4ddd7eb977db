"""Processes: work that is larger than a transaction, or goes beyond one (a saga after Garcia-Molina and Salem).

A process is a declared sequence of steps. Each turn at a step is one transaction: what the step changes, the process'
own row, and the queued command that sets off the next turn, staged in the outbox. So a process that is interrupted
anywhere goes on from its last turn: the command is delivered again, or published by the sweeper. A repeated delivery
finds its turn taken and has no second effect.

- A step may take many turns: it does a part, says where it goes on, and is asked again (`Advance`).
- A step refuses by a `Failure`. What it had staged is forgotten, and the steps done before are undone, the last one
  first; the refused one too when it had taken turns. A refusal that shows only when the transaction commits counts from
  the next delivery on.
- What passes (a `RetryLater`, a conflict, an outage, a crash) is tried again with the queue's backoff. The last
  delivery before the message would be given up is not another try: a step counts as refused then, and an `undo` has
  failed.

A process ends `completed`, `compensated` (refused, and all that it had done is undone) or `failed`: a step that can't
be undone was done before the refusal, or undoing kept failing. Then it stands in between, and an operator is needed.

What a step does outside the transaction (objects, messages, jobs) it may do twice: it has to be idempotent.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel
from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.cqrs.messages import MessageCommand
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict, DomainError, NotFound, RetryLater
from shared.kernel.result import Failure, Result, Success
from shared.messaging.dead_letters import LastErrors
from shared.messaging.routing import QUEUES, FunctionNeeds, QueueClass, Subscriber, queue_name
from shared.observability.logger import log
from shared.persistence.rows import DataRow
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store

S = TypeVar("S", bound=BaseModel)

_PROCESS = "PROCESS"
_PASSING = frozenset({"conflict", "dependency-unavailable", "internal-error", "rate-limited", "request-in-progress"})
"""Codes of errors that another delivery may not meet."""


class ContinueProcess(MessageCommand):
    """Take the next turn of a process, unless it has been taken: `turn` counts those taken when this was sent."""

    service_name: ClassVar[str] = "processes"

    process_id: str
    turn: int


class ProcessStatus(StrEnum):
    RUNNING = "running"
    COMPENSATING = "compensating"
    COMPLETED = "completed"
    COMPENSATED = "compensated"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Advance:
    """What one turn at a step has done.

    Unless it `is_finished`, the step is asked again, in `wait_seconds` (at most 900), and finds `position` as it left
    it. `done` counts the items that the turn dealt with, of `total` where that is known; `counts` is added to what the
    process counts by name.
    """

    is_finished: bool = True
    position: str | None = None
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    wait_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a process was refused: a stable code and its sentence."""

    code: str
    detail: str


@dataclass(frozen=True, kw_only=True)
class ProcessState(Generic[S]):
    """How far a process is.

    `step` is the one being done or undone, the last one at the end; `position`, `done` and `total` are that step's.
    `turn` counts the turns taken. `reason` is why it was refused, or why it couldn't be undone.
    """

    process: str
    process_id: str
    subject: S
    step: str
    started_at: str
    updated_at: str
    status: ProcessStatus = ProcessStatus.RUNNING
    position: str | None = None
    done: int = 0
    total: int | None = None
    counts: Mapping[str, int] = field(default_factory=dict[str, int])
    has_begun: bool = False
    reason: Reason | None = None
    ended_at: str | None = None
    turn: int = 0

    @property
    def has_ended(self) -> bool:
        return self.status not in (ProcessStatus.RUNNING, ProcessStatus.COMPENSATING)


Turn = Callable[[WriteScope, ProcessState[S]], Result[Advance]]


def nothing_to_undo(_scope: WriteScope, _state: ProcessState[Any]) -> Result[Advance]:
    """The `undo` of a step that leaves nothing behind."""
    return Success(Advance())


@dataclass(frozen=True)
class Step(Generic[S]):
    """`do` stages its changes in the scope's unit of work and commits nothing; so does `undo`, which reverses it.

    A step without an `undo` can't be reversed: let it come after those that may be refused.
    """

    name: str
    do: Turn[S]
    undo: Turn[S] | None = None


class ProcessRow(DataRow):
    """`version` counts the turns taken."""

    process = UnicodeAttribute()
    subject = UnicodeAttribute()
    step = UnicodeAttribute()
    status = UnicodeAttribute()
    position = UnicodeAttribute(null=True)
    done = NumberAttribute()
    total = NumberAttribute(null=True)
    counts = JSONAttribute()
    has_begun = BooleanAttribute()
    reason = JSONAttribute(null=True)
    started_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    ended_at = UnicodeAttribute(null=True)


def read_process(
    store: Store, process_id: str, subject: type[S], *, among: Collection[str] | None = None
) -> ProcessState[S] | None:
    """A process by its id, `None` where there is none, or none `among` the processes of these names."""
    row = store.get(ProcessRow, f"PROCESS#{process_id}", _PROCESS)
    if row is None or (among is not None and row.process not in among):
        return None
    reason: Mapping[str, str] | None = row.reason
    counts: Mapping[str, float] = row.counts
    return ProcessState(
        process=row.process,
        process_id=process_id,
        subject=subject.model_validate_json(row.subject),
        step=row.step,
        status=ProcessStatus(row.status),
        position=row.position,
        done=int(row.done),
        total=None if row.total is None else int(row.total),
        counts={name: int(count) for name, count in counts.items()},
        has_begun=row.has_begun,
        reason=None if reason is None else Reason(reason["code"], reason["detail"]),
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        turn=int(row.version),
    )


@dataclass(frozen=True)
class Process(Generic[S]):
    """What whoever starts a process has to know of it; its steps are known to its subscriber alone."""

    name: str
    queue: QueueClass
    subject: type[S]
    first_step: str

    @property
    def queue_name(self) -> str:
        return queue_name(self.queue, self.name)

    def start(
        self, scope: WriteScope, process_id: str, subject: S, otherwise: DomainError | None = None
    ) -> ProcessState[S]:
        """Stage the start: the process begins when the handler's transaction has committed.

        `otherwise` is the expected failure when there is a process of this id already, a `Conflict` if none is given.
        """
        now = rfc3339(scope.runtime.clock.now())
        state = ProcessState(
            process=self.name,
            process_id=process_id,
            subject=subject,
            step=self.first_step,
            started_at=now,
            updated_at=now,
        )
        scope.uow.insert(_row(state), otherwise=otherwise or Conflict("This is under way already."))
        scope.bus.send(ContinueProcess(process_id=process_id, turn=0), self.queue_name)
        return state


def process_subscriber(
    process: Process[S],
    steps: Sequence[Step[S]],
    *,
    changed: Callable[[WriteScope, ProcessState[S]], None] | None = None,
    needs: FunctionNeeds | None = None,
) -> Subscriber:
    """The subscriber that takes a process' turns, with a queue of its own.

    `changed` is called with the state that each turn leaves, in the turn's transaction: to publish an event, say. A
    step's name is kept in the row of a running process, so a renamed step is another one. Raises `ValueError` for steps
    that can't be told apart, and where the first isn't the process' first step.
    """
    names = [step.name for step in steps]
    if len(set(names)) != len(names) or names[:1] != [process.first_step]:
        raise ValueError(f"the steps of {process.name} are {', '.join(names)}, the first one is {process.first_step}")

    def build(scope: WriteScope) -> Callable[[ContinueProcess], Result[None]]:
        return _Turns(process, steps, changed, scope)

    return Subscriber(
        name=process.name,
        message=ContinueProcess,
        queue=process.queue,
        build=build,
        needs=needs or FunctionNeeds(),
    )


class _Turns(Generic[S]):
    def __init__(
        self,
        process: Process[S],
        steps: Sequence[Step[S]],
        changed: Callable[[WriteScope, ProcessState[S]], None] | None,
        scope: WriteScope,
    ) -> None:
        self._process = process
        self._steps = steps
        self._changed = changed
        self._scope = scope

    def __call__(self, command: ContinueProcess) -> Result[None]:
        state = read_process(self._scope.store, command.process_id, self._process.subject)
        if state is None:
            return Failure(NotFound("There is no such process."))
        if state.has_ended or state.turn != command.turn:
            return Success(None)
        given_up = self._given_up(state)
        if state.status is ProcessStatus.RUNNING:
            return self._do(state, given_up)
        return self._undo(state, given_up)

    def _do(self, state: ProcessState[S], given_up: Reason | None) -> Result[None]:
        if given_up is None:
            at = self._index(state)
            outcome = self._steps[at].do(self._scope, state)
            if isinstance(outcome, Success):
                return self._save(self._advanced(state, outcome.value, at + 1), outcome.value.wait_seconds)
            if isinstance(outcome.error, RetryLater):
                return outcome
            self._scope.uow.rollback()
            given_up = Reason(outcome.error.code, outcome.error.detail)
        at = self._index(state)
        return self._save(self._undoing(replace(state, reason=given_up), at if state.has_begun else at - 1))

    def _undo(self, state: ProcessState[S], given_up: Reason | None) -> Result[None]:
        if given_up is not None:
            return self._save(replace(state, status=ProcessStatus.FAILED, reason=given_up))
        at = self._index(state)
        undo = self._steps[at].undo
        assert undo is not None, "a step that can't be undone isn't begun to be"
        outcome = undo(self._scope, state)
        if isinstance(outcome, Failure):
            return outcome
        return self._save(self._advanced(state, outcome.value, at - 1), outcome.value.wait_seconds)

    def _advanced(self, state: ProcessState[S], by: Advance, next_at: int) -> ProcessState[S]:
        names = sorted({*state.counts, *by.counts})
        state = replace(
            state,
            counts={name: state.counts.get(name, 0) + by.counts.get(name, 0) for name in names},
            done=state.done + by.done,
            total=by.total if by.total is not None else state.total,
            position=by.position,
            has_begun=True,
        )
        if not by.is_finished:
            return state
        if state.status is ProcessStatus.COMPENSATING:
            return self._undoing(state, next_at)
        if next_at == len(self._steps):
            return replace(state, status=ProcessStatus.COMPLETED)
        return _at(state, self._steps[next_at])

    def _undoing(self, state: ProcessState[S], at: int) -> ProcessState[S]:
        if at < 0:
            return replace(state, status=ProcessStatus.COMPENSATED)
        status = ProcessStatus.FAILED if self._steps[at].undo is None else ProcessStatus.COMPENSATING
        return replace(_at(state, self._steps[at]), status=status)

    def _save(self, state: ProcessState[S], wait_seconds: int = 0) -> Result[None]:
        now = rfc3339(self._scope.runtime.clock.now())
        turn = state.turn + 1
        state = replace(state, turn=turn, updated_at=now, ended_at=now if state.has_ended else None)
        self._scope.uow.put(_row(state), condition=ProcessRow.version == turn - 1)
        if not state.has_ended:
            command = ContinueProcess(process_id=state.process_id, turn=turn)
            self._scope.bus.send(command, self._process.queue_name, delay_seconds=wait_seconds)
        if state.status is ProcessStatus.FAILED:
            about = {"process_type": state.process, "process_id": state.process_id, "step": state.step}
            log().error("a process has failed half-way", extra={**about, "error": state.reason and state.reason.code})
        if self._changed is not None:
            self._changed(self._scope, state)
        return Success(None)

    def _index(self, state: ProcessState[S]) -> int:
        for at, step in enumerate(self._steps):
            if step.name == state.step:
                return at
        raise LookupError(f"{self._process.name} has no step {state.step!r}: was it renamed while a process ran?")

    def _given_up(self, state: ProcessState[S]) -> Reason | None:
        """Why this turn isn't tried again, when earlier deliveries have failed."""
        context = self._scope.context
        if context.delivery == 1:
            return None
        last = LastErrors(self._process.queue_name, self._scope.runtime).get(context.message_id)
        if context.delivery >= QUEUES[self._process.queue].max_receive_count:
            interrupted = Reason("internal-error", "The step was interrupted again and again.")
            return interrupted if last is None else Reason(last.error, last.reason)
        if last is not None and last.error not in _PASSING and state.status is ProcessStatus.RUNNING:
            return Reason(last.error, last.reason)
        return None


def _at(state: ProcessState[S], step: Step[S]) -> ProcessState[S]:
    return replace(state, step=step.name, position=None, done=0, total=None, has_begun=False)


def _row(state: ProcessState[S]) -> ProcessRow:
    reason = state.reason
    return ProcessRow(
        pk=f"PROCESS#{state.process_id}",
        sk=_PROCESS,
        process=state.process,
        subject=state.subject.model_dump_json(),
        step=state.step,
        status=state.status,
        position=state.position,
        done=state.done,
        total=state.total,
        counts=dict(state.counts),
        has_begun=state.has_begun,
        reason=None if reason is None else {"code": reason.code, "detail": reason.detail},
        started_at=state.started_at,
        updated_at=state.updated_at,
        ended_at=state.ended_at,
        version=state.turn,
    )
