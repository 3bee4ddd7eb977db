"""What AWS Batch decides about jobs: whose turn it is, whether an attempt is repeated, which state follows.

Rules after the AWS Batch user guide, "Job states", "Automated job retries", "Job timeouts" and "Fair-share scheduling".
"""

import itertools
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

CONTAINER_EXITED = "Essential container in task exited"
TIMED_OUT = "Job attempt duration exceeded timeout"


class JobStatus(StrEnum):
    SUBMITTED = "SUBMITTED"
    RUNNABLE = "RUNNABLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @property
    def ended(self) -> bool:
        return self in (JobStatus.SUCCEEDED, JobStatus.FAILED)

    @property
    def waiting(self) -> bool:
        return self in (JobStatus.SUBMITTED, JobStatus.RUNNABLE)


class ApiModel(BaseModel):
    """A shape of the Batch API: camelCase on the wire; what the runner has no use for is let through unread."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


class NameValue(ApiModel):
    name: str
    value: str


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


class EvaluateOnExit(ApiModel):
    action: Annotated[Literal["RETRY", "EXIT"], BeforeValidator(_upper)]
    on_status_reason: str | None = None
    on_reason: str | None = None
    on_exit_code: str | None = None

    def matches(self, *, exit_code: int | None, status_reason: str, reason: str) -> bool:
        """Every condition given must match; a condition left out matches anything."""
        return (
            _glob(self.on_status_reason, status_reason)
            and _glob(self.on_reason, reason)
            and _glob(self.on_exit_code, "" if exit_code is None else str(exit_code))
        )


def _glob(pattern: str | None, value: str) -> bool:
    if pattern is None:
        return True
    # Batch knows one wildcard, at the end.
    return value.startswith(pattern[:-1]) if pattern.endswith("*") else value == pattern


class RetryStrategy(ApiModel):
    attempts: int = Field(default=1, ge=1, le=10)
    evaluate_on_exit: tuple[EvaluateOnExit, ...] = Field(default=(), max_length=5)

    def retries(self, *, attempts_made: int, exit_code: int | None, status_reason: str, reason: str) -> bool:
        if attempts_made >= self.attempts:
            return False
        for rule in self.evaluate_on_exit:
            if rule.matches(exit_code=exit_code, status_reason=status_reason, reason=reason):
                return rule.action == "RETRY"
        return True


class JobTimeout(ApiModel):
    attempt_duration_seconds: int | None = None


class ContainerProperties(ApiModel):
    command: tuple[str, ...] = ()
    environment: tuple[NameValue, ...] = ()
    job_role_arn: str | None = None


class JobDefinition(ApiModel):
    """What RegisterJobDefinition was given."""

    job_definition_name: str
    container_properties: ContainerProperties = ContainerProperties()
    parameters: Mapping[str, str] = {}
    retry_strategy: RetryStrategy = RetryStrategy()
    timeout: JobTimeout = JobTimeout()


class ContainerOverrides(ApiModel):
    command: tuple[str, ...] | None = None
    environment: tuple[NameValue, ...] = ()


class JobSubmission(ApiModel):
    """What SubmitJob was given."""

    job_name: str
    job_queue: str
    job_definition: str
    share_identifier: str | None = None
    scheduling_priority_override: int = 0
    parameters: Mapping[str, str] = {}
    container_overrides: ContainerOverrides = ContainerOverrides()
    retry_strategy: RetryStrategy | None = None
    timeout: JobTimeout | None = None
    array_properties: Mapping[str, object] = {}
    depends_on: tuple[object, ...] = ()


@dataclass
class Attempt:
    started_at: int
    log_stream: str
    stopped_at: int | None = None
    exit_code: int | None = None
    status_reason: str | None = None
    reason: str | None = None


@dataclass
class Job:
    id: str
    arn: str
    queue: str
    submission: JobSubmission
    definition: JobDefinition
    definition_arn: str
    created_at: int
    status: JobStatus = JobStatus.SUBMITTED
    status_reason: str | None = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])
    started_at: int | None = None
    stopped_at: int | None = None
    stop_reason: str | None = None
    cancelled: bool = False

    @property
    def share(self) -> str:
        return self.submission.share_identifier or ""

    @property
    def attempt_number(self) -> int:
        """Counts from 1; the attempt that runs, or ran last."""
        return len(self.attempts)

    @property
    def retry_strategy(self) -> RetryStrategy:
        return self.submission.retry_strategy or self.definition.retry_strategy

    @property
    def timeout_seconds(self) -> int | None:
        return (self.submission.timeout or self.definition.timeout).attempt_duration_seconds

    @property
    def parameters(self) -> dict[str, str]:
        return {**self.definition.parameters, **self.submission.parameters}

    @property
    def command(self) -> list[str]:
        command = self.submission.container_overrides.command or self.definition.container_properties.command
        return [self._substitute(word) for word in command]

    @property
    def environment(self) -> dict[str, str]:
        pairs = (*self.definition.container_properties.environment, *self.submission.container_overrides.environment)
        return {pair.name: pair.value for pair in pairs}

    def _substitute(self, word: str) -> str:
        return self.parameters.get(word[len("Ref::") :], word) if word.startswith("Ref::") else word

    def detail(self) -> dict[str, object]:
        """The job as DescribeJobs and the state change event tell it."""
        last = self.attempts[-1] if self.attempts else None
        container = {
            "command": self.command,
            "environment": [{"name": name, "value": value} for name, value in self.environment.items()],
            "jobRoleArn": self.definition.container_properties.job_role_arn,
            "exitCode": last.exit_code if last else None,
            "reason": last.reason if last else None,
            "logStreamName": last.log_stream if last else None,
        }
        return _without_none(
            {
                "jobId": self.id,
                "jobArn": self.arn,
                "jobName": self.submission.job_name,
                "jobQueue": self.queue,
                "jobDefinition": self.definition_arn,
                "status": self.status.value,
                "statusReason": self.status_reason,
                "shareIdentifier": self.submission.share_identifier,
                "parameters": self.parameters,
                "retryStrategy": self.retry_strategy.model_dump(by_alias=True, exclude_none=True, mode="json"),
                "timeout": None if self.timeout_seconds is None else {"attemptDurationSeconds": self.timeout_seconds},
                "attempts": [_attempt_detail(attempt) for attempt in self.attempts if attempt.stopped_at is not None],
                "container": _without_none(container),
                "createdAt": self.created_at,
                "startedAt": self.started_at,
                "stoppedAt": self.stopped_at,
                "dependsOn": [],
                "isCancelled": self.cancelled,
                "isTerminated": self.stop_reason is not None and not self.cancelled,
            }
        )


def _attempt_detail(attempt: Attempt) -> dict[str, object]:
    container = {"exitCode": attempt.exit_code, "reason": attempt.reason, "logStreamName": attempt.log_stream}
    return _without_none(
        {
            "container": _without_none(container),
            "startedAt": attempt.started_at,
            "stoppedAt": attempt.stopped_at,
            "statusReason": attempt.status_reason,
        }
    )


def _without_none(values: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in values.items() if value is not None}


class Scheduler:
    """The jobs and their states; tells every change of state to `on_change`, in order. Safe to share among threads."""

    def __init__(
        self, *, capacity: int, now_ms: Callable[[], int], on_change: Callable[[dict[str, object]], None]
    ) -> None:
        self._capacity = capacity
        self._now_ms = now_ms
        self._on_change = on_change
        self._jobs: dict[str, Job] = {}
        self._lock = threading.RLock()
        self._turns = itertools.count(1)
        self._last_turn: dict[str, int] = {}

    def submit(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.id] = job
            self._move(job, JobStatus.SUBMITTED)
            self._move(job, JobStatus.RUNNABLE)

    def detail(self, job_id: str) -> dict[str, object] | None:
        with self._lock:
            job = self._jobs.get(job_id)
            return job.detail() if job else None

    def job(self, job_id: str) -> Job | None:
        return self._jobs.get(job_id)

    def details(self) -> list[dict[str, object]]:
        with self._lock:
            return [job.detail() for job in self._jobs.values()]

    def start_next(self, log_stream: Callable[[Job], str]) -> Job | None:
        """Gives the next job a place, if there is one: shares with the fewest running jobs first, then the share that
        has waited longest since its last turn, then the job's own priority and age."""
        with self._lock:
            active = [job for job in self._jobs.values() if job.status in (JobStatus.STARTING, JobStatus.RUNNING)]
            runnable = [job for job in self._jobs.values() if job.status is JobStatus.RUNNABLE]
            if len(active) >= self._capacity or not runnable:
                return None
            running = {job.share: 0 for job in runnable}
            for job in active:
                running[job.share] = running.get(job.share, 0) + 1
            chosen = min(
                runnable,
                key=lambda job: (
                    running[job.share],
                    self._last_turn.get(job.share, 0),
                    -job.submission.scheduling_priority_override,
                    job.created_at,
                ),
            )
            self._last_turn[chosen.share] = next(self._turns)
            self._move(chosen, JobStatus.STARTING)
            now = self._now_ms()
            chosen.attempts.append(Attempt(started_at=now, log_stream=log_stream(chosen)))
            chosen.started_at = now
            return chosen

    def running(self, job: Job) -> None:
        with self._lock:
            self._move(job, JobStatus.RUNNING)

    def attempt_ended(
        self,
        job: Job,
        exit_code: int | None,
        *,
        status_reason: str = CONTAINER_EXITED,
        reason: str = "",
        timed_out: bool = False,
    ) -> None:
        with self._lock:
            if job.stop_reason is not None:
                status_reason = job.stop_reason
            elif timed_out:
                status_reason = TIMED_OUT
            attempt = job.attempts[-1]
            attempt.stopped_at = self._now_ms()
            attempt.exit_code, attempt.status_reason, attempt.reason = exit_code, status_reason, reason or None
            final = job.stop_reason is not None or timed_out  # neither is ever retried
            if exit_code == 0 and not final:
                self._end(job, JobStatus.SUCCEEDED, status_reason)
            elif not final and job.retry_strategy.retries(
                attempts_made=job.attempt_number, exit_code=exit_code, status_reason=status_reason, reason=reason
            ):
                self._move(job, JobStatus.RUNNABLE, status_reason)
            else:
                self._end(job, JobStatus.FAILED, status_reason)

    def cancel(self, job_id: str, reason: str) -> None:
        """Ends a job that has not started; one that has goes on."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is not None and job.status.waiting:
                job.cancelled, job.stop_reason = True, reason
                self._end(job, JobStatus.FAILED, reason)

    def terminate(self, job_id: str, reason: str) -> Job | None:
        """Ends a waiting job; gives back the job when there is a process to end first."""
        with self._lock:
            job = self._jobs.get(job_id)
            if job is None or job.status.ended:
                return None
            job.stop_reason = reason
            if job.status.waiting:
                self._end(job, JobStatus.FAILED, reason)
                return None
            return job

    def _end(self, job: Job, status: JobStatus, reason: str) -> None:
        job.stopped_at = self._now_ms()
        self._move(job, status, reason)

    def _move(self, job: Job, status: JobStatus, reason: str | None = None) -> None:
        job.status = status
        if reason is not None:
            job.status_reason = reason
        self._on_change(job.detail())
