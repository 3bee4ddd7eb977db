"""Builds a read model anew. A rebuild that can't go on is withdrawn: the model stays as it was."""

from datetime import timedelta

from functions.entry import queue_function
from functions.operations.adapters.operations import REBUILD, tell_progress, turn_ends
from functions.operations.adapters.read_models import read_models
from functions.operations.domain.operation import Operation
from functions.resources import RESULTS_DELETE, RESULTS_READ, RESULTS_WRITE
from shared.aws.grants import EVENTS_READ, READ_MODELS_REBUILD, READ_MODELS_WRITE
from shared.kernel.errors import NotFound
from shared.kernel.result import Failure, Result, Success
from shared.messaging.process import Advance, ProcessState, Step, process_subscriber
from shared.messaging.rebuild import RebuildUnderWay, rebuild, remove_generation, withdraw
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import Runtime, WriteScope

_REMOVE = "remove:"


def build_anew(scope: WriteScope, state: ProcessState[Operation]) -> Result[Advance]:
    """Go on with the rebuild until its turn ends; what it has done stands when the turn is repeated."""
    projection = read_models(scope.runtime).get(state.subject.target)
    if projection is None:
        return Failure(NotFound(f"There is no read model {state.subject.target} any more."))
    try:
        progress = rebuild(
            scope.runtime,
            projection,
            state.process_id,
            until=turn_ends(scope),
            accept_missing=state.subject.parameters.get("accept_missing") == "true",
            grace=_grace(scope.runtime),
        )
    except RebuildUnderWay as under_way:
        return Failure(under_way)
    counted = {"taken": progress.taken, "unreadable": progress.unreadable, "missing": progress.missing}
    return Success(
        Advance(
            is_finished=progress.finished,
            position=f"{progress.phase} {progress.position}".strip(),
            done=progress.taken - state.done,
            # Of a rebuild the totals are known, and of a turn only what it added is asked.
            counts={name: count - state.counts.get(name, 0) for name, count in counted.items()},
            wait_seconds=progress.wait_seconds,
        )
    )


def give_up(scope: WriteScope, state: ProcessState[Operation]) -> Result[Advance]:
    """Withdraw the new generation, then remove its rows when no message in flight writes to it any more."""
    projection, until = read_models(scope.runtime)[state.subject.target], turn_ends(scope)
    if state.position is None:
        withdraw(scope.runtime, projection, state.process_id, until=until)
        wait = int(_grace(scope.runtime).total_seconds())
        return Success(Advance(is_finished=False, position=_REMOVE, wait_seconds=wait))
    position = state.position.removeprefix(_REMOVE)
    behind = remove_generation(scope.runtime, projection, state.process_id, state.process_id, position, until=until)
    return Success(Advance(is_finished=not behind, position=_REMOVE + behind))


def _grace(runtime: Runtime) -> timedelta:
    return timedelta(seconds=int(runtime.settings["REBUILD_GRACE_SECONDS"]))


SUBSCRIBER = process_subscriber(
    REBUILD,
    [Step("rebuild", build_anew, undo=give_up)],
    changed=tell_progress,
    # The index of moments is made of tables of numbers, in S3.
    needs=FunctionNeeds(
        grants=(EVENTS_READ, READ_MODELS_WRITE, READ_MODELS_REBUILD, RESULTS_READ, RESULTS_WRITE, RESULTS_DELETE),
        layers=("embedding",),
        memory_mb=1024,
    ),
)
lambda_handler = queue_function(SUBSCRIBER)
