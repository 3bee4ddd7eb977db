"""The processes that administrators start, and what is told of them."""

from datetime import datetime, timedelta

from functions.operations.domain.operation import Operation
from functions.operations.events import OperationProgressed
from shared.kernel.principals import Anonymous
from shared.messaging.process import Process, ProcessState, read_process
from shared.messaging.routing import QueueClass
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store

REDRIVE = Process("redrive", QueueClass.DEFAULT, Operation, first_step="send")
"""Every dead letter of a queue is sent to that queue again."""
REPLAY = Process("replay", QueueClass.DEFAULT, Operation, first_step="send")
"""Logged events are sent to one subscriber again."""
REBUILD = Process("rebuild", QueueClass.DEFAULT, Operation, first_step="rebuild")
"""A read model is built anew from the event log."""

_KINDS = frozenset(process.name for process in (REDRIVE, REPLAY, REBUILD))
_ENOUGH_TIME = timedelta(seconds=12)
"""What is left to a turn when it takes no more: its last call and the transaction, with their repetitions, fit in."""


def read_operation(store: Store, operation_id: str) -> ProcessState[Operation] | None:
    return read_process(store, operation_id, Operation, among=_KINDS)


def start_operation(
    scope: WriteScope, process: Process[Operation], target: str, parameters: dict[str, str]
) -> ProcessState[Operation]:
    operation = Operation(target=target, parameters=parameters, started_by=actor_of(scope))
    state = process.start(scope, scope.runtime.ids.new(), operation)
    tell_progress(scope, state)
    return state


def tell_progress(scope: WriteScope, state: ProcessState[Operation]) -> None:
    event = OperationProgressed(operation_id=state.process_id, kind=state.process, status=state.status, step=state.turn)
    scope.bus.publish(event, state.process_id, state.turn + 1)


def turn_ends(scope: WriteScope) -> datetime:
    """When a turn takes no more on."""
    return scope.context.deadline - _ENOUGH_TIME


def has_time(scope: WriteScope) -> bool:
    return scope.runtime.clock.now() < turn_ends(scope)


def actor_of(scope: WriteScope) -> str:
    principal = scope.context.principal
    assert not isinstance(principal, Anonymous), "Authorization lets nobody without a name administer the platform"
    return principal.actor
