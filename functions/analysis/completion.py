"""The outcome as a message on the completion queue."""

import json
import uuid
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from functions.analysis.job import Job
from functions.analysis.outcome import Outcome
from shared.kernel.clock import rfc3339


class QueueCompletion:
    def __init__(self, client: Any, queue_url: str, job: Job, now: Callable[[], datetime]) -> None:
        self._client = client
        self._queue_url = queue_url
        self._job = job
        self._now = now

    def send(self, outcome: Outcome) -> None:
        job = self._job
        # The analysis has one outcome, so its message has one id, whichever attempt sends it: the inbox knows it again.
        message_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"visionscope:analysis:{job.analysis_id}:outcome"))
        message = {
            "source": "visionscope.analysis",
            "detail-type": "CompleteAnalysis",
            "detail": {
                "metadata": {
                    "message_id": message_id,
                    "occurred_at": rfc3339(self._now()),
                    "correlation_id": job.correlation_id,
                    "causation_id": job.causation_id,
                    "schema_version": 1,
                    "version": 1,
                    "service_name": "analysis",
                    "workspace_id": job.workspace_id,
                },
                "data": {
                    "workspace_id": job.workspace_id,
                    "video_id": job.video_id,
                    "analysis_id": job.analysis_id,
                    **asdict(outcome),
                },
            },
        }
        self._client.send_message(QueueUrl=self._queue_url, MessageBody=json.dumps(message))
