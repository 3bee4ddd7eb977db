"""What the local Batch decides, after the AWS Batch user guide."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic import ValidationError

from infra.local.batch_jobs import (
    TIMED_OUT,
    Job,
    JobDefinition,
    JobStatus,
    JobSubmission,
    RetryStrategy,
    Scheduler,
)

SPOT_RETRY = RetryStrategy.model_validate(
    {
        "attempts": 3,
        "evaluateOnExit": [
            {"onStatusReason": "Host EC2*", "action": "RETRY"},
            {"onExitCode": "75", "action": "retry"},
            {"onReason": "*", "action": "EXIT"},
        ],
    }
)


@dataclass
class Batch:
    """A scheduler with a clock that ticks and a record of the events."""

    capacity: int = 1
    retry_strategy: RetryStrategy = field(default_factory=RetryStrategy)
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    time_ms: int = 0

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(capacity=self.capacity, now_ms=self._tick, on_change=self.events.append)

    def _tick(self) -> int:
        self.time_ms += 1
        return self.time_ms

    def submit(self, name: str, share: str = "one", **more: Any) -> Job:
        job = Job(
            id=f"id-{name}",
            arn=f"arn:job/{name}",
            queue="arn:job-queue/analysis",
            submission=JobSubmission(
                job_name=name, job_queue="analysis", job_definition="worker", share_identifier=share, **more
            ),
            definition=JobDefinition(job_definition_name="worker", retry_strategy=self.retry_strategy),
            definition_arn="arn:job-definition/worker:1",
            created_at=self._tick(),
        )
        self.scheduler.submit(job)
        return job

    def start(self) -> Job | None:
        job = self.scheduler.start_next(lambda job: f"{job.id}.log")
        if job is not None:
            self.scheduler.running(job)
        return job

    def run(self, exit_code: int | None, **more: Any) -> Job:
        job = self.start()
        assert job is not None
        self.scheduler.attempt_ended(job, exit_code, **more)
        return job

    def states(self, job: Job) -> list[str]:
        return [event["status"] for event in self.events if event["jobId"] == job.id]


@pytest.mark.parametrize(
    ("exit_code", "status_reason", "retried"),
    [
        pytest.param(75, "Essential container in task exited", True, id="an exit code that is to be retried"),
        pytest.param(None, "Host EC2 (instance i-1) terminated.", True, id="a reclaimed Spot instance"),
        pytest.param(1, "Essential container in task exited", False, id="any other failure"),
        pytest.param(750, "Essential container in task exited", False, id="an exit code that only begins alike"),
    ],
)
def test_the_first_rule_that_matches_decides_about_a_retry(
    exit_code: int | None, status_reason: str, retried: bool
) -> None:
    assert SPOT_RETRY.retries(attempts_made=1, exit_code=exit_code, status_reason=status_reason, reason="") is retried


def test_a_failure_that_no_rule_matches_is_retried() -> None:
    strategy = RetryStrategy.model_validate({"attempts": 2, "evaluateOnExit": [{"onExitCode": "3", "action": "EXIT"}]})
    assert strategy.retries(attempts_made=1, exit_code=1, status_reason="", reason="")


def test_all_conditions_of_a_rule_have_to_match() -> None:
    strategy = RetryStrategy.model_validate(
        {"attempts": 2, "evaluateOnExit": [{"onExitCode": "1", "onReason": "OutOfMemory*", "action": "EXIT"}]}
    )
    assert strategy.retries(attempts_made=1, exit_code=1, status_reason="", reason="something else")
    assert not strategy.retries(attempts_made=1, exit_code=1, status_reason="", reason="OutOfMemoryError: killed")


@pytest.mark.parametrize("attempts", [0, 11])
def test_a_number_of_attempts_that_batch_refuses_is_refused(attempts: int) -> None:
    with pytest.raises(ValidationError):
        RetryStrategy(attempts=attempts)


def test_a_job_that_succeeds_passes_through_every_state() -> None:
    batch = Batch()
    job = batch.submit("a")
    batch.run(0)
    assert batch.states(job) == ["SUBMITTED", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED"]
    assert batch.events[-1]["container"]["exitCode"] == 0
    assert batch.events[-1]["stoppedAt"] > batch.events[-1]["startedAt"] > batch.events[-1]["createdAt"]


def test_a_retried_job_keeps_its_attempts_and_ends_once() -> None:
    batch = Batch(retry_strategy=SPOT_RETRY)
    job = batch.submit("a")
    batch.run(75)
    assert batch.states(job)[-1] == "RUNNABLE"
    batch.run(0)
    assert job.status is JobStatus.SUCCEEDED
    assert [attempt["container"]["exitCode"] for attempt in batch.events[-1]["attempts"]] == [75, 0]
    assert batch.states(job).count("SUCCEEDED") == 1


def test_attempts_run_out() -> None:
    batch = Batch(retry_strategy=SPOT_RETRY)
    job = batch.submit("a")
    for _ in range(3):
        batch.run(75)
    assert job.status is JobStatus.FAILED
    assert batch.start() is None


def test_a_timeout_is_never_retried() -> None:
    batch = Batch(retry_strategy=RetryStrategy(attempts=3))
    job = batch.submit("a")
    batch.run(143, timed_out=True)
    assert (job.status, job.status_reason) == (JobStatus.FAILED, TIMED_OUT)


def test_a_worker_that_ends_well_after_its_timeout_has_failed_all_the_same() -> None:
    batch = Batch()
    job = batch.submit("a")
    batch.run(0, timed_out=True)
    assert job.status is JobStatus.FAILED


def test_terminating_a_running_job_fails_it_with_the_callers_reason() -> None:
    batch = Batch(retry_strategy=RetryStrategy(attempts=3))
    job = batch.submit("a")
    batch.start()
    assert batch.scheduler.terminate(job.id, "the analysis was cancelled") is job
    assert job.status is JobStatus.RUNNING  # until its process has ended
    batch.scheduler.attempt_ended(job, 143)
    assert (job.status, job.status_reason) == (JobStatus.FAILED, "the analysis was cancelled")
    assert batch.events[-1]["isTerminated"] is True


@pytest.mark.parametrize("stop", [Scheduler.cancel, Scheduler.terminate])
def test_a_waiting_job_that_is_stopped_never_starts(stop: Callable[[Scheduler, str, str], object]) -> None:
    batch = Batch()
    job = batch.submit("a")
    stop(batch.scheduler, job.id, "not wanted any more")
    assert (job.status, job.status_reason) == (JobStatus.FAILED, "not wanted any more")
    assert batch.start() is None


def test_cancelling_leaves_a_running_job_alone() -> None:
    batch = Batch()
    job = batch.submit("a")
    batch.start()
    batch.scheduler.cancel(job.id, "too late")
    batch.scheduler.attempt_ended(job, 0)
    assert job.status is JobStatus.SUCCEEDED


def test_no_more_jobs_run_at_once_than_there_is_room_for() -> None:
    batch = Batch(capacity=2)
    for name in ("a", "b", "c"):
        batch.submit(name)
    assert [job is not None for job in (batch.start(), batch.start(), batch.start())] == [True, True, False]


def test_one_shares_many_jobs_do_not_hold_up_another_share() -> None:
    batch = Batch()
    for number in range(5):
        batch.submit(f"many-{number}", share="many")
    batch.submit("few-0", share="few")
    order = [batch.run(0).submission.job_name for _ in range(6)]
    assert order[:3] == ["many-0", "few-0", "many-1"]


def test_a_share_without_running_jobs_comes_before_one_that_has_some() -> None:
    batch = Batch(capacity=2)
    for number in range(3):
        batch.submit(f"many-{number}", share="many")
    batch.start()
    batch.submit("few-0", share="few")
    started = batch.start()
    assert started is not None
    assert started.submission.job_name == "few-0"


def test_priority_comes_before_age_within_a_share() -> None:
    batch = Batch()
    batch.submit("old")
    batch.submit("urgent", scheduling_priority_override=9)
    assert batch.run(0).submission.job_name == "urgent"


def test_the_submission_overrides_and_completes_the_definition() -> None:
    job = Job(
        id="id",
        arn="arn",
        queue="queue",
        submission=JobSubmission.model_validate(
            {
                "jobName": "a",
                "jobQueue": "q",
                "jobDefinition": "d",
                "parameters": {"mode": "fast"},
                "containerOverrides": {"environment": [{"name": "A", "value": "submission"}]},
                "timeout": {"attemptDurationSeconds": 60},
            }
        ),
        definition=JobDefinition.model_validate(
            {
                "jobDefinitionName": "d",
                "parameters": {"mode": "accurate", "depth": "1"},
                "containerProperties": {
                    "command": ["worker", "Ref::mode", "Ref::depth", "Ref::unknown"],
                    "environment": [{"name": "A", "value": "definition"}, {"name": "B", "value": "definition"}],
                },
                "timeout": {"attemptDurationSeconds": 600},
            }
        ),
        definition_arn="arn:1",
        created_at=0,
    )
    assert job.command == ["worker", "fast", "1", "Ref::unknown"]
    assert job.environment == {"A": "submission", "B": "definition"}
    assert job.timeout_seconds == 60
