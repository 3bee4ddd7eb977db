"""The Batch jobs behind analyses, and the processes that run them."""

from pathlib import Path
from typing import Any

from tests.e2e.stacks import LocalStack


def job_of(stack: LocalStack, analysis_id: str) -> dict[str, Any] | None:
    batch, queue = stack.client("batch"), stack.outputs["analysis_job_queue_name"]
    for status in ("SUBMITTED", "PENDING", "RUNNABLE", "STARTING", "RUNNING", "SUCCEEDED", "FAILED"):
        for summary in batch.list_jobs(jobQueue=queue, jobStatus=status)["jobSummaryList"]:
            if summary["jobName"] == f"analysis-{analysis_id}":
                job: dict[str, Any] = batch.describe_jobs(jobs=[summary["jobId"]])["jobs"][0]
                return job
    return None


def worker_of(job_id: str) -> int | None:
    """The process that runs a job, known by the job id in its environment and by its command."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            try:
                environment = (process / "environ").read_bytes().split(b"\0")
                command = (process / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue  # ended meanwhile, or somebody else's
            if f"AWS_BATCH_JOB_ID={job_id}".encode() in environment and command[1:3] == [b"-m", b"functions.analysis"]:
                return int(process.name)
    return None
