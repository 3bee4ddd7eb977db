"""A read model is built anew as an operation."""

from datetime import timedelta

from functions.operations.adapters.operations import read_operation
from functions.operations.adapters.read_models import read_models, rebuild_step
from functions.operations.commands import rebuild_read_model
from functions.operations.domain.operation import OperationStatus
from shared.kernel.clock import rfc3339
from shared.messaging.projections import read_generations
from tests.integration.operations.conftest import Operated


def test_a_rebuild_runs_in_steps_until_the_model_is_switched(operated: Operated) -> None:
    started = operated.admin.send(rebuild_read_model.ENDPOINT, "/v1/admin/read-models/videos/rebuild", {})
    assert started.status == 202
    operation = read_operation(operated.runtime.store, started.json["operation_id"])
    assert operation is not None
    clock = operated.aws.clock
    before = read_generations(operated.runtime.store, "videos")
    for _ in range(100):
        until = clock.now() + timedelta(seconds=15)
        advance = rebuild_step(operated.runtime, operation, until, sleep=lambda seconds: clock.advance(seconds=seconds))
        operation = operation.advanced(advance, rfc3339(clock.now()))
        if operation.step == 1:
            other = operated.admin.send(rebuild_read_model.ENDPOINT, "/v1/admin/read-models/videos/rebuild", {})
            assert (other.status, other.problem) == (409, "conflict")
        if operation.status is OperationStatus.COMPLETED:
            break
    assert operation.status is OperationStatus.COMPLETED
    assert operation.counts == {"missing": 0, "taken": 0, "unreadable": 0}
    after = read_generations(operated.runtime.store, "videos")
    assert after.building is None
    assert after.current != before.current


def test_only_read_models_that_exist_are_rebuilt(operated: Operated) -> None:
    assert {"videos", "usage"} <= read_models().keys()
    path = "/v1/admin/read-models/dreams/rebuild"
    assert operated.admin.send(rebuild_read_model.ENDPOINT, path, {}).status == 404
