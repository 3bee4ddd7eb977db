from collections.abc import Sequence
from typing import Any


class FakeBatch:
    """Takes jobs and keeps them; refuses everything with `refusal`, an error code and the status of its answer.

    `calls` counts what was asked for, refused or not.
    """

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.terminated: list[str] = []
        self.calls = 0
        self.refusal: tuple[str, int] | None = None

    def submit_job(self, **job: Any) -> dict[str, str]:
        self._answer("SubmitJob")
        self.jobs.append(job)
        return {"jobName": job["jobName"], "jobId": f"job-{len(self.jobs)}"}

    def list_jobs(self, *, jobQueue: str, filters: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        self._answer("ListJobs")
        ((name,),) = [one["values"] for one in filters if one["name"] == "JOB_NAME"]
        found = [
            {"jobId": f"job-{number}", "jobName": name, "status": self._status(f"job-{number}")}
            for number, job in enumerate(self.jobs, start=1)
            if (job["jobQueue"], job["jobName"]) == (jobQueue, name)
        ]
        return {"jobSummaryList": found}

    def terminate_job(self, *, jobId: str, reason: str) -> None:  # noqa: N803
        self._answer("TerminateJob")
        assert reason
        self.terminated.append(jobId)

    def _status(self, job_id: str) -> str:
        return "FAILED" if job_id in self.terminated else "RUNNABLE"

    def _answer(self, operation: str) -> None:
        from botocore.exceptions import ClientError

        self.calls += 1
        if self.refusal is not None:
            code, status = self.refusal
            problem = {
                "Error": {"Code": code, "Message": "out of order"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(problem, operation)  # type: ignore[arg-type]
