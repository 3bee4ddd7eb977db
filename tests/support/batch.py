from typing import Any


class FakeBatch:
    """Takes jobs and keeps them; refuses them while `refusing`."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.refusing = False

    def submit_job(self, **job: Any) -> dict[str, str]:
        from botocore.exceptions import ClientError

        if self.refusing:
            problem = {"Error": {"Code": "ServerException", "Message": "out of order"}}
            raise ClientError(problem, "SubmitJob")  # type: ignore[arg-type]
        self.jobs.append(job)
        return {"jobName": job["jobName"], "jobId": f"job-{len(self.jobs)}"}
