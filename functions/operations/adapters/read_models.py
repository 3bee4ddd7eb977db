"""The read models that can be rebuilt, and a rebuild as an operation."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import functions.billing.public as billing
import functions.conversations.public as conversations
import functions.videos.public as videos
import functions.workspaces.public as workspaces
from functions.operations.domain.operation import Advance, Operation
from shared.messaging.projections import Projection
from shared.messaging.rebuild import rebuild
from shared.persistence.scope import Runtime

_PAUSE = timedelta(seconds=10)
"""A rebuild that waits for messages in flight, or for the log, is asked again no sooner."""


def read_models() -> Mapping[str, Projection[Any]]:
    return {
        projection.name: projection
        for context in (billing, conversations, videos, workspaces)
        for projection in context.PROJECTIONS
    }


def rebuild_step(
    runtime: Runtime, operation: Operation, until: datetime, sleep: Callable[[float], None] = time.sleep
) -> Advance:
    """Go on with a rebuild until `until`; what it has done stands when the step is repeated."""
    projection = read_models()[operation.target]
    accept_missing = operation.parameters.get("accept_missing") == "true"
    progress = rebuild(runtime, projection, operation.operation_id, until=until, accept_missing=accept_missing)
    if progress.waiting and until - runtime.clock.now() > _PAUSE:
        sleep(_PAUSE.total_seconds())
    counted = {"taken": progress.taken, "unreadable": progress.unreadable, "missing": progress.missing}
    # Of a rebuild the totals are known, and of a step only what it added is asked.
    added = {name: count - operation.counts.get(name, 0) for name, count in counted.items()}
    return Advance(progress.position or None, added, progress.finished)
