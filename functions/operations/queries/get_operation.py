from collections.abc import Mapping

from functions.entry import http_function
from functions.operations.adapters.operations import read_operation
from functions.operations.domain.operation import Operation
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.process import ProcessState
from shared.persistence.scope import ReadScope


class OperationReason(View):
    code: str
    detail: str


class OperationView(View):
    """`status` is `running`, `compensating`, `completed`, `compensated` or `failed`, and `reason` says why it was
    refused. `progress` is what was counted so far; `position` is where the next turn goes on.
    """

    operation_id: str
    kind: str
    target: str
    parameters: Mapping[str, str]
    status: str
    reason: OperationReason | None
    steps: int
    progress: Mapping[str, int]
    position: str | None
    started_by: str
    started_at: str
    updated_at: str
    ended_at: str | None

    @classmethod
    def of(cls, state: ProcessState[Operation]) -> "OperationView":
        operation, reason = state.subject, state.reason
        return cls(
            operation_id=state.process_id,
            kind=state.process,
            target=operation.target,
            parameters=operation.parameters,
            status=state.status,
            reason=None if reason is None else OperationReason(code=reason.code, detail=reason.detail),
            steps=state.turn,
            progress=state.counts,
            position=state.position,
            started_by=operation.started_by,
            started_at=state.started_at,
            updated_at=state.updated_at,
            ended_at=state.ended_at,
        )


class GetOperation(Query[OperationView]):
    operation_id: Uuid


class GetOperationHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetOperation) -> Result[OperationView]:
        operation = read_operation(self._scope.store, query.operation_id)
        return Failure(NotFound()) if operation is None else Success(OperationView.of(operation))


def build(scope: ReadScope) -> GetOperationHandler:
    return GetOperationHandler(scope)


ENDPOINT = query(
    "/v1/admin/operations/{operation_id}",
    GetOperation,
    build,
    policy=Policy(administrators=True),
    summary="How far an operation is",
)
lambda_handler = http_function(ENDPOINT)
