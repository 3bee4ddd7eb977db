"""A worker that dies, and a job that comes twice: the analysis is completed and charged once."""

import os
import signal
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.local.event_trail import EventLog, Happening, of_analysis
from tests.e2e.customers import Customer, settled
from tests.e2e.jobs import job_of, worker_of
from tests.e2e.stacks import LocalStack


@pytest.fixture(scope="module")
def clip(chapters: Callable[[int], Path]) -> Path:
    """Twenty seconds, so that there is a middle to be killed in."""
    return chapters(20)


def _assert_completed_once(customer: Customer, stack: LocalStack, video_id: str, analysis_id: str) -> None:
    analysis = customer.analysis(video_id, analysis_id)
    assert (analysis["status"], analysis["credits_charged"]) == ("completed", 2), analysis
    settlements = [entry["feature_code"] for entry in customer.ledger("settlement")]
    assert sorted(settlements) == ["text_recognition", "video_analysis"]
    assert all(held == 0 for _, held in customer.credits().values())
    log = EventLog(stack.client("s3"), stack.outputs["events_bucket"])
    started = datetime.now(UTC) - timedelta(minutes=10)

    def story() -> list[str]:
        events: list[Happening] = of_analysis(log.since(started, datetime.now(UTC)), video_id, analysis_id)
        return [event.name for event in events]

    def has_settled(names: list[str]) -> bool:
        return "AnalysisCompleted" in names and names.count("CreditConsumed") >= 2

    names = settled(story, has_settled, seconds=30)
    assert names.count("AnalysisCompleted") == 1
    assert names.count("CreditConsumed") == 2
    assert "AnalysisFailed" not in names


def test_a_worker_killed_half_way_is_run_again_and_completes_once(
    customer: Customer, local_stack: LocalStack, clip: Path
) -> None:
    video_id = customer.uploaded(clip)
    analysis_id = customer.requested(video_id, features=["shots", "text"])
    half_way = settled(lambda: customer.analysis(video_id, analysis_id), lambda one: one["progress"] > 0.1)
    assert half_way["status"] == "running", "the clip is too short for this machine: there was no middle"
    job = job_of(local_stack, analysis_id)
    assert job is not None
    worker = worker_of(job["jobId"])
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    customer.ended_analysis(video_id, analysis_id)
    _assert_completed_once(customer, local_stack, video_id, analysis_id)
    assert len((job_of(local_stack, analysis_id) or {})["attempts"]) == 2


def test_the_same_job_submitted_twice_completes_the_analysis_once(
    customer: Customer, local_stack: LocalStack, clip: Path
) -> None:
    video_id = customer.uploaded(clip)
    analysis_id = customer.requested(video_id, features=["shots", "text"])
    job = settled(lambda: job_of(local_stack, analysis_id), lambda found: found is not None)
    batch = local_stack.client("batch")
    again = batch.submit_job(
        jobName="again",
        jobQueue=job["jobQueue"],
        jobDefinition=job["jobDefinition"],
        shareIdentifier="again",
        parameters=job["parameters"],
        containerOverrides={
            "environment": [one for one in job["container"]["environment"] if one["name"] == "VISIONSCOPE_JOB"]
        },
    )["jobId"]

    def second() -> dict[str, Any]:
        described: dict[str, Any] = batch.describe_jobs(jobs=[again])["jobs"][0]
        return described

    ended = settled(second, lambda one: one["status"] in ("SUCCEEDED", "FAILED"))
    assert ended["status"] == "SUCCEEDED"
    customer.ended_analysis(video_id, analysis_id)
    _assert_completed_once(customer, local_stack, video_id, analysis_id)
