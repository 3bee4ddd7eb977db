from typing import Annotated

from pydantic import Field

from functions.entry import http_function
from functions.operations.adapters.operations import REBUILD, start_operation
from functions.operations.adapters.read_models import read_models
from functions.operations.queries.get_operation import OperationView
from shared.aws.grants import READ_MODELS_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command
from shared.kernel.errors import NotFound
from shared.kernel.result import Failure, Result, Success
from shared.messaging.projections import read_generations
from shared.messaging.rebuild import RebuildUnderWay
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class RebuildReadModel(Command[OperationView]):
    """Build a read model anew from the event log, and switch to it when it is complete.

    With `accept_missing` also when it lacks rows of the current one that no event explains.
    """

    name: Annotated[str, Field(min_length=1, max_length=100)]
    accept_missing: bool = False


class RebuildReadModelHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: RebuildReadModel) -> Result[OperationView]:
        if command.name not in read_models(self._scope.runtime):
            return Failure(NotFound("There is no such read model."))
        building = read_generations(self._scope.store, command.name).building
        if building is not None:
            return Failure(RebuildUnderWay(command.name, building))
        parameters = {"accept_missing": str(command.accept_missing).lower()}
        operation = start_operation(self._scope, REBUILD, command.name, parameters)
        return Success(OperationView.of(operation))


def build(scope: WriteScope) -> RebuildReadModelHandler:
    return RebuildReadModelHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/admin/read-models/{name}/rebuild",
    RebuildReadModel,
    build,
    status=202,
    policy=Policy(administrators=True, idempotency=Idempotency.OPTIONAL, audit="RebuildReadModel"),
    summary="Rebuild a read model from the event log",
    needs=FunctionNeeds(grants=(READ_MODELS_READ,)),
    location=lambda _path, operation: f"/v1/admin/operations/{operation.operation_id}",
)
lambda_handler = http_function(ENDPOINT)
