"""Ends what is past its deadline, so that nothing stays queued or running for ever and no credits stay held."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from functions.videos.adapters.analyses import read_overdue
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.domain.analysis import AnalysisError, FailureReason
from functions.videos.messages import ExpireAnalysis
from shared.aws.grants import DATA_READ, DATA_WRITE, OUTBOX_APPEND
from shared.behaviors.order import message_chain
from shared.cqrs.pipeline import Context, Proceed
from shared.kernel.clock import rfc3339
from shared.kernel.principals import System
from shared.kernel.result import Failure, Result
from shared.messaging.routing import FunctionNeeds, Schedule
from shared.observability.logger import log
from shared.persistence.scope import Runtime, WriteScope

_RUN = timedelta(seconds=50)
"""One run is over before the next; what is left then is found again."""


class ExpireAnalysisHandler:
    def __init__(self, endings: AnalysisEndings) -> None:
        self._endings = endings

    def __call__(self, command: ExpireAnalysis) -> Result[None]:
        reason = FailureReason.DEADLINE_EXCEEDED
        error = AnalysisError(reason, reason.sentence)
        return self._endings.fail(command.workspace_id, command.video_id, command.analysis_id, error)


def build(scope: WriteScope) -> ExpireAnalysisHandler:
    return ExpireAnalysisHandler(AnalysisEndings(scope))


SCHEDULE = Schedule(
    name="expire-analyses",
    every_minutes=1,
    needs=FunctionNeeds(grants=(DATA_READ, DATA_WRITE, OUTBOX_APPEND), timeout_seconds=60),
)


class ExpireAnalyses:
    """Ends every overdue analysis, each in a transaction of its own; what couldn't be ended is tried again."""

    def __init__(self, runtime: Callable[[], Runtime] = Runtime) -> None:
        self._make_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._make_runtime()

    @cached_property
    def _proceed(self) -> Proceed:
        return message_chain(build, self._runtime)

    def __call__(self, _event: Mapping[str, Any], _lambda_context: object = None) -> dict[str, int]:
        clock = self._runtime.clock
        deadline = clock.now() + _RUN
        expired = left = 0
        for row in read_overdue(self._runtime.store, rfc3339(clock.now())):
            if clock.now() > deadline:
                log().warning("overdue analyses are left for the next run")
                break
            command = ExpireAnalysis(workspace_id=row.workspace_id, video_id=row.video_id, analysis_id=row.analysis_id)
            if isinstance(self._proceed(command, self._context(command, deadline)), Failure):
                left += 1
            else:
                expired += 1
        return {"expired": expired, "left": left}

    def _context(self, command: ExpireAnalysis, deadline: datetime) -> Context:
        message_id = self._runtime.ids.new()
        return Context(
            message_id=message_id,
            correlation_id=message_id,
            received_at=self._runtime.clock.now(),
            deadline=deadline,
            principal=System(SCHEDULE.name),
            workspace_id=command.workspace_id,
        )


lambda_handler = ExpireAnalyses()
