from typing import Any

from functions.operations.adapters.rows import OPERATION, OperationRow, operation_partition
from functions.operations.domain.operation import Operation, OperationKind, OperationStatus
from functions.operations.events import OperationProgressed
from shared.kernel.clock import rfc3339
from shared.kernel.principals import Anonymous
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork


def read_operation(store: Store, operation_id: str) -> Operation | None:
    row = store.get(OperationRow, operation_partition(operation_id), OPERATION)
    if row is None:
        return None
    counts: dict[str, Any] = row.counts
    parameters: dict[str, Any] = row.parameters
    return Operation(
        operation_id=operation_id,
        kind=OperationKind(row.kind),
        target=row.target,
        parameters={name: str(value) for name, value in parameters.items()},
        status=OperationStatus(row.status),
        step=int(row.step),
        position=row.position,
        counts={name: int(value) for name, value in counts.items()},
        started_by=row.started_by,
        started_at=row.started_at,
        updated_at=row.updated_at,
        ended_at=row.ended_at,
        version=int(row.version),
    )


class Operations:
    """Each write records the event that sets off the next step, so an operation never stops half-way unseen."""

    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def start(self, operation: Operation) -> None:
        self._uow.insert(_row(operation))
        self._record(operation)

    def save(self, operation: Operation) -> None:
        """Write what a step has changed, unless another did that step meanwhile."""
        self._uow.put(_row(operation), condition=OperationRow.version == operation.version - 1)
        self._record(operation)

    def _record(self, operation: Operation) -> None:
        event = OperationProgressed(
            operation_id=operation.operation_id, kind=operation.kind, status=operation.status, step=operation.step
        )
        self._uow.record(event, operation.operation_id, operation.version)


def new_operation(scope: WriteScope, kind: OperationKind, target: str, parameters: dict[str, str]) -> Operation:
    now = rfc3339(scope.runtime.clock.now())
    return Operation(
        operation_id=scope.runtime.ids.new(),
        kind=kind,
        target=target,
        parameters=parameters,
        started_by=actor_of(scope),
        started_at=now,
        updated_at=now,
    )


def actor_of(scope: WriteScope) -> str:
    principal = scope.context.principal
    assert not isinstance(principal, Anonymous), "Authorization lets nobody without a name administer the platform"
    return principal.actor


def _row(operation: Operation) -> OperationRow:
    return OperationRow(
        pk=operation_partition(operation.operation_id),
        sk=OPERATION,
        kind=operation.kind,
        target=operation.target,
        parameters=dict(operation.parameters),
        status=operation.status,
        step=operation.step,
        position=operation.position,
        counts=dict(operation.counts),
        started_by=operation.started_by,
        started_at=operation.started_at,
        updated_at=operation.updated_at,
        ended_at=operation.ended_at,
        version=operation.version,
    )
