from collections.abc import Sequence
from typing import Any


class FakeBatch:
    """Takes jobs and keeps them; refuses everything while `refusing`."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.terminated: list[str] = []
        self.refusing = False

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

        if self.refusing:
            problem = {"Error": {"Code": "ServerException", "Message": "out of order"}}
            raise ClientError(problem, operation)  # type: ignore[arg-type]
