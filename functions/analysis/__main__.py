"""`python -m functions.analysis`: the process of one Batch job. All that it needs to know is in its environment."""

import os
import signal
import sys
import threading

from functions.analysis.completion import QueueCompletion
from functions.analysis.job import InvalidJob, read_environment
from functions.analysis.models import load_analyzers, load_embedder
from functions.analysis.worker import Surroundings, run
from shared.aws.clients import client
from shared.kernel.clock import SystemClock
from shared.observability.logger import log, logged_with


def main() -> int:
    interrupted = threading.Event()
    # Spot interruption and cancellation. Nothing is done in the handler itself: work stops at its next step.
    signal.signal(signal.SIGTERM, lambda number, frame: interrupted.set())
    try:
        job, stage, attempt = read_environment(os.environ)
    except InvalidJob as error:
        log().error("the environment names no job", extra={"problems": str(error)})
        return os.EX_USAGE
    clock = SystemClock()
    surroundings = Surroundings(
        s3=client("s3"),
        dynamodb=client("dynamodb"),
        completion=QueueCompletion(client("sqs"), stage.completion_queue_url, job, clock.now),
        load_analyzers=load_analyzers,
        load_embedder=load_embedder,
        clock=clock,
        interrupted=interrupted,
    )
    with logged_with(correlation_id=job.correlation_id, analysis_id=job.analysis_id, attempt=attempt.number):
        return run(job, stage, attempt, surroundings)


if __name__ == "__main__":
    sys.exit(main())
