"""The Batch jobs that run analyses."""

import json
from datetime import datetime

from functions.videos.adapters.rows import LEASE, LeaseRow, worker_partition
from functions.videos.domain.analysis import Analysis
from functions.videos.domain.video import Video, upload_key
from shared.aws.clients import error_code, is_outage
from shared.behaviors.circuit_breaker import CircuitBreaker
from shared.kernel.errors import DependencyUnavailable
from shared.observability.logger import log
from shared.persistence.scope import Runtime
from shared.persistence.store import Store

_SHORTEST_TIMEOUT_SECONDS = 60
"""Batch takes no shorter one."""

_THRESHOLD = 3
"""Below what a queue delivers before it gives up: one message alone opens the breaker before it is a dead letter."""

_INVALID = "ClientException"
"""Batch's code for what it refuses however often it is sent."""


def read_worker(store: Store, workspace_id: str, analysis_id: str) -> str | None:
    """The id of the job that is at an analysis, or was last; `None` before one began."""
    row = store.get(LeaseRow, worker_partition(workspace_id, analysis_id), LEASE)
    return row.owner if row else None


def job_name(analysis_id: str) -> str:
    return f"analysis-{analysis_id}"


class AnalysisJobs:
    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._breaker = CircuitBreaker("batch", runtime, threshold=_THRESHOLD, open_seconds=30, max_open_seconds=60)

    def submit(self, video: Video, analysis: Analysis, causation_id: str) -> bool:
        """Submit the job of an analysis; `False` when Batch will never take it.

        SubmitJob knows no client token: submitted twice, the second job finds the lease of the first and does nothing.
        Raises `DependencyUnavailable` while Batch is unwell, and `CircuitOpen` when that was known before.
        """
        return self._breaker.call(lambda: self._submit(video, analysis, causation_id))

    def _submit(self, video: Video, analysis: Analysis, causation_id: str) -> bool:
        from botocore.exceptions import ClientError, ConnectionError, HTTPClientError

        settings = self._runtime.settings
        job = {
            "workspace_id": analysis.workspace_id,
            "video_id": analysis.video_id,
            "analysis_id": analysis.analysis_id,
            "upload_key": upload_key(analysis.workspace_id, analysis.video_id),
            "upload_etag": video.etag,
            "duration_ms": video.media.duration_ms if video.media else None,
            "features": analysis.features,
            "mode": analysis.mode,
            "correlation_id": analysis.correlation_id,
            "causation_id": causation_id,
            "deadline_at": analysis.deadline_at,
        }
        try:
            self._runtime.client("batch").submit_job(
                jobName=job_name(analysis.analysis_id),
                jobQueue=settings["ANALYSIS_JOB_QUEUE"],
                jobDefinition=settings["ANALYSIS_JOB_DEFINITION"],
                # Fair share: one workspace's many jobs don't hold up another's. Batch takes letters and digits only.
                shareIdentifier=analysis.workspace_id.replace("-", ""),
                # They come back in the events of the job's state.
                parameters={
                    "workspace_id": analysis.workspace_id,
                    "video_id": analysis.video_id,
                    "analysis_id": analysis.analysis_id,
                    "correlation_id": analysis.correlation_id,
                },
                containerOverrides={"environment": [{"name": "VISIONSCOPE_JOB", "value": json.dumps(job)}]},
                timeout={"attemptDurationSeconds": self._remaining_seconds(analysis)},
            )
        except (ConnectionError, HTTPClientError) as error:
            raise DependencyUnavailable("Batch doesn't answer.", retry_after_seconds=5) from error
        except ClientError as error:
            if is_outage(error):
                raise DependencyUnavailable("Batch takes no jobs.", retry_after_seconds=5) from error
            if error_code(error) != _INVALID:
                raise
            log().exception("Batch refused a job", extra={"analysis_id": analysis.analysis_id})
            return False
        return True

    def terminate(self, analysis_id: str) -> None:
        """End all jobs of an analysis that haven't ended."""
        batch = self._runtime.client("batch")
        # The ids of jobs aren't kept; a filter by name finds them in whatever state they are.
        by_name = [{"name": "JOB_NAME", "values": [job_name(analysis_id)]}]
        found = batch.list_jobs(jobQueue=self._runtime.settings["ANALYSIS_JOB_QUEUE"], filters=by_name)
        for job in found["jobSummaryList"]:
            if job["status"] not in ("SUCCEEDED", "FAILED"):
                batch.terminate_job(jobId=job["jobId"], reason="The analysis was cancelled.")

    def _remaining_seconds(self, analysis: Analysis) -> int:
        remaining = datetime.fromisoformat(analysis.deadline_at) - self._runtime.clock.now()
        return max(_SHORTEST_TIMEOUT_SECONDS, int(remaining.total_seconds()))
