"""A cancelled analysis needs no machine: its jobs are ended, so that none is started for one that only waits.

Nothing relies on it: a job of an analysis that has ended finds the lease taken for good, and stops.
"""

from functions.entry import queue_function
from functions.resources import ANALYSES_TERMINATE
from functions.videos.adapters.jobs import AnalysisJobs
from functions.videos.events import AnalysisCancelled
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class TerminateCancelledJobsHandler:
    def __init__(self, jobs: AnalysisJobs) -> None:
        self._jobs = jobs

    def __call__(self, event: AnalysisCancelled) -> Result[None]:
        self._jobs.terminate(event.analysis_id)
        return Success(None)


def build(scope: WriteScope) -> TerminateCancelledJobsHandler:
    return TerminateCancelledJobsHandler(AnalysisJobs(scope.runtime))


SUBSCRIBER = Subscriber(
    name="terminate-cancelled-jobs",
    message=AnalysisCancelled,
    queue=QueueClass.VIDEO_PROCESSING,
    build=build,
    needs=FunctionNeeds(grants=(ANALYSES_TERMINATE,)),
)
lambda_handler = queue_function(SUBSCRIBER)
