"""One job from its lease to its outcome."""

import os
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from functions.analysis.documents import Embedder
from functions.analysis.failures import AnalysisFailed, FailureReason
from functions.analysis.job import Attempt, Job, Mode, Stage
from functions.analysis.lease import (
    AnalysisFinished,
    DynamoLeaseTable,
    Lease,
    LeaseKeeper,
    LeaseLost,
    LeaseRefused,
)
from functions.analysis.outcome import Completed, Completion, Failed, FailedFeature, Outcome
from functions.analysis.pipeline import AnalyzerFactory, Steps, Subject, Workplace, analyse
from functions.analysis.progress import Progress
from functions.analysis.stopwatch import Stopwatch
from functions.analysis.storage import S3Checkpoints, S3Results, download
from functions.videos.domain.results import MANIFEST, checkpoint_key, results_prefix
from shared.kernel.clock import Clock
from shared.observability.logger import log

DONE = 0
# Batch's retry strategy repeats an attempt that ends with this, and no other, exit code.
TRY_AGAIN = os.EX_TEMPFAIL


class Interrupted(Exception):
    """The machine is being taken away."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker works with. `interrupted` is set when the process is told to stop."""

    s3: Any
    dynamodb: Any
    completion: Completion
    load_analyzers: Callable[[Iterable[str], Mode], AnalyzerFactory]
    load_embedder: Callable[[], Embedder]
    clock: Clock
    interrupted: threading.Event = field(default_factory=threading.Event)


def run(job: Job, stage: Stage, attempt: Attempt, surroundings: Surroundings) -> int:
    """The exit code. Anything raised is a defect; the lease is released all the same."""
    from botocore.exceptions import BotoCoreError, ClientError

    logger = log()
    try:
        try:
            lease = Lease.take(
                DynamoLeaseTable(surroundings.dynamodb, stage.ephemeral_table, analysis_pk(job)),
                token=str(uuid.uuid4()),
                owner=attempt.batch_job_id,
                attempt=attempt.number,
                now=surroundings.clock.now,
            )
        except LeaseRefused:
            logger.info("another worker has this analysis")
            return DONE
        except AnalysisFinished:
            logger.info("this analysis has ended before")
            return DONE
        return _work(job, stage, lease, surroundings)
    except LeaseLost:
        logger.warning("the analysis was cancelled, or another worker took it over")
        return DONE
    except Interrupted:
        logger.warning("interrupted")
        return TRY_AGAIN
    except (BotoCoreError, ClientError) as error:
        logger.warning("an AWS service is out of reach", extra={"error": str(error)})
        return TRY_AGAIN


def analysis_pk(job: Job) -> str:
    """The partition of the Ephemeral table that holds the analysis' lease (`lease`) and progress (`progress`)."""
    return f"analysis#{job.workspace_id}#{job.analysis_id}"


def _work(job: Job, stage: Stage, lease: Lease, surroundings: Surroundings) -> int:
    finished = False
    try:
        with LeaseKeeper(lease) as keeper:

            def check() -> None:
                keeper.check()
                if surroundings.interrupted.is_set():
                    raise Interrupted
                if job.is_overdue(surroundings.clock.now()):
                    raise AnalysisFailed(FailureReason.DEADLINE_EXCEEDED)

            outcome = _outcome(job, stage, surroundings, check)
            # Nobody else may have begun meanwhile: their outcome is the one that counts then.
            lease.renew()
            surroundings.completion.send(outcome)
            finished = True
            lease.finish()
        return DONE
    finally:
        if not finished:
            _release(lease)


def _release(lease: Lease) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        lease.release()
    except (LeaseLost, BotoCoreError, ClientError) as error:
        # It runs out by itself; what ended the work is the more important error.
        log().info("the lease was not released", extra={"error": type(error).__name__})


def _outcome(job: Job, stage: Stage, surroundings: Surroundings, check: Callable[[], None]) -> Outcome:
    try:
        job.check_features()
        return _analyse(job, stage, surroundings, check)
    except AnalysisFailed as failure:
        log().info("the analysis failed", extra={"reason": failure.reason.value, "cause": str(failure)})
        return Failed(failure.reason, failure.detail)


def _analyse(job: Job, stage: Stage, surroundings: Surroundings, check: Callable[[], None]) -> Completed:
    stopwatch = Stopwatch()
    prefix = results_prefix(job.workspace_id, job.video_id, job.analysis_id)
    checkpoints = S3Checkpoints(
        surroundings.s3, stage.results_bucket, checkpoint_key(job.workspace_id, job.video_id, job.analysis_id)
    )
    results = S3Results(surroundings.s3, stage.results_bucket, prefix)
    progress = Progress(surroundings.dynamodb, stage.ephemeral_table, analysis_pk(job), surroundings.clock.now)
    with tempfile.TemporaryDirectory(prefix="analysis-") as folder, ThreadPoolExecutor(max_workers=1) as pool:
        path = Path(folder) / "upload"
        with stopwatch.measure("loading"):
            check()
            loading = pool.submit(surroundings.load_analyzers, job.features, job.mode)
            download(surroundings.s3, stage.uploads_bucket, job.upload_key, job.upload_etag, path, check)
            make_analyzers = loading.result()
            embedder = surroundings.load_embedder()
        manifest = analyse(
            path,
            Subject(job.workspace_id, job.video_id, job.analysis_id, job.features, job.mode, job.duration_ms),
            make_analyzers,
            embedder,
            Workplace(results, checkpoints, Steps(progress.report, check, progress.resume), stopwatch, stage.chunk_ms),
        )
    log().info(
        "analysed",
        extra={
            "duration_ms": manifest.duration_ms,
            "seconds": {part: round(seconds, 3) for part, seconds in stopwatch.spent.items()},
        },
    )
    return Completed(
        manifest_key=results.key(MANIFEST),
        duration_ms=manifest.duration_ms,
        shots=manifest.counts.shots,
        texts=manifest.counts.texts,
        speech=manifest.counts.speech,
        moments=manifest.counts.moments,
        failed_features=tuple(
            FailedFeature(feature, FailureReason.ANALYZER_FAILED, FailureReason.ANALYZER_FAILED.sentence)
            for feature in manifest.failed_features
        ),
    )
