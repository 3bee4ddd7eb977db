from typing import Any


class FakeBatch:
    """Takes jobs and keeps them; refuses them with `refusal`, an error code and the status of its answer."""

    def __init__(self) -> None:
        self.jobs: list[dict[str, Any]] = []
        self.calls = 0
        self.refusal: tuple[str, int] | None = None

    def submit_job(self, **job: Any) -> dict[str, str]:
        from botocore.exceptions import ClientError

        self.calls += 1
        if self.refusal is not None:
            code, status = self.refusal
            problem = {
                "Error": {"Code": code, "Message": "out of order"},
                "ResponseMetadata": {"HTTPStatusCode": status},
            }
            raise ClientError(problem, "SubmitJob")  # type: ignore[arg-type]
        self.jobs.append(job)
        return {"jobName": job["jobName"], "jobId": f"job-{len(self.jobs)}"}
