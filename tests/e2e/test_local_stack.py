"""What the local stack adds to the emulator, tried with a sample app."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from botocore.exceptions import ClientError

from infra.local import aws
from infra.local.supervisor import RunningStack
from tests.e2e.stacks import LocalStack, eventually

pytestmark = pytest.mark.xdist_group("sample_stack")


def submit(stack: LocalStack, name: str, mode: str, share: str = "one") -> str:
    answer = httpx.post(
        f"{stack.outputs['api_url']}/jobs", json={"name": name, "mode": mode, "share": share}, timeout=30
    )
    assert answer.status_code == 202, answer.text
    job_id: str = answer.json()["job_id"]
    return job_id


def job(stack: LocalStack, job_id: str) -> dict[str, Any]:
    [detail] = stack.client("batch").describe_jobs(jobs=[job_id])["jobs"]
    assert isinstance(detail, dict)
    return detail


def ended(stack: LocalStack, job_id: str) -> dict[str, Any]:
    assert eventually(lambda: job(stack, job_id)["status"] in ("SUCCEEDED", "FAILED")), job(stack, job_id)
    return job(stack, job_id)


def received(stack: LocalStack, queue_url: str) -> Iterator[str]:
    """Bodies of the messages that are there now."""
    sqs = stack.client("sqs")
    while messages := sqs.receive_message(QueueUrl=queue_url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
            yield message["Body"]


def test_a_job_runs_under_its_role_with_its_environment(sample_stack: LocalStack) -> None:
    done = ended(sample_stack, submit(sample_stack, "first", "ok"))
    # The job itself fails when its role lets it do what it was not granted.
    assert (done["status"], done["container"]["exitCode"]) == ("SUCCEEDED", 0)
    item = sample_stack.client("dynamodb").get_item(
        TableName=sample_stack.outputs["data_table"], Key={"id": {"S": f"job-{done['jobId']}"}}
    )["Item"]
    assert item["name"]["S"] == "first"
    assert item["greeting"]["S"] == "from the definition"
    assert item["attempt"]["N"] == "1"


def test_an_interrupted_job_is_retried_and_a_crashed_one_is_not(sample_stack: LocalStack) -> None:
    interrupted = ended(sample_stack, submit(sample_stack, "interrupted", "interrupted"))
    crashed = ended(sample_stack, submit(sample_stack, "crashed", "crash"))
    assert [attempt["container"]["exitCode"] for attempt in interrupted["attempts"]] == [75, 75, 0]
    assert interrupted["status"] == "SUCCEEDED"
    assert [attempt["container"]["exitCode"] for attempt in crashed["attempts"]] == [1]
    assert crashed["status"] == "FAILED"


def test_each_state_of_a_job_becomes_an_event_of_the_clouds_shape(sample_stack: LocalStack) -> None:
    job_id = submit(sample_stack, "told", "ok")
    ended(sample_stack, job_id)
    told: list[dict[str, Any]] = []

    def complete() -> bool:
        told.extend(json.loads(body) for body in received(sample_stack, sample_stack.outputs["states_url"]))
        return any(event["detail"]["jobId"] == job_id and event["detail"]["status"] == "SUCCEEDED" for event in told)

    assert eventually(complete)
    ours = [event for event in told if event["detail"]["jobId"] == job_id]
    # A standard queue doesn't promise an order.
    assert {event["detail"]["status"] for event in ours} == {
        "SUBMITTED",
        "RUNNABLE",
        "STARTING",
        "RUNNING",
        "SUCCEEDED",
    }
    [end] = [event for event in ours if event["detail"]["status"] == "SUCCEEDED"]
    assert (end["source"], end["detail-type"]) == ("aws.batch", "Batch Job State Change")
    assert end["detail"]["container"]["exitCode"] == 0
    assert end["detail"]["parameters"] == {"mode": "ok"}
    assert end["detail"]["shareIdentifier"] == "one"


def test_a_job_that_hangs_is_ended_at_its_timeout(sample_stack: LocalStack) -> None:
    done = ended(sample_stack, submit(sample_stack, "hanging", "forever"))
    assert (done["status"], done["statusReason"]) == ("FAILED", "Job attempt duration exceeded timeout")
    assert len(done["attempts"]) == 1


def test_a_terminated_job_ends_with_the_reason_given(sample_stack: LocalStack) -> None:
    job_id = submit(sample_stack, "unwanted", "forever")
    assert eventually(lambda: job(sample_stack, job_id)["status"] == "RUNNING")
    sample_stack.client("batch").terminate_job(jobId=job_id, reason="not wanted any more")
    done = ended(sample_stack, job_id)
    assert (done["status"], done["statusReason"]) == ("FAILED", "not wanted any more")


def test_jobs_are_listed_by_the_state_they_are_really_in(sample_stack: LocalStack) -> None:
    job_id = submit(sample_stack, "listed", "crash")
    ended(sample_stack, job_id)
    batch, queue = sample_stack.client("batch"), sample_stack.outputs["analysis_job_queue_name"]
    failed = batch.list_jobs(jobQueue=queue, jobStatus="FAILED")["jobSummaryList"]
    succeeded = batch.list_jobs(jobQueue=queue, jobStatus="SUCCEEDED")["jobSummaryList"]
    assert job_id in {summary["jobId"] for summary in failed}
    assert job_id not in {summary["jobId"] for summary in succeeded}
    by_name = batch.list_jobs(jobQueue=queue, filters=[{"name": "JOB_NAME", "values": ["listed"]}])["jobSummaryList"]
    assert [(summary["jobId"], summary["status"]) for summary in by_name] == [(job_id, "FAILED")]


@pytest.mark.parametrize("missing", ["jobQueue", "jobDefinition"])
def test_a_job_for_what_does_not_exist_is_refused(sample_stack: LocalStack, missing: str) -> None:
    request = {"jobName": "lost", "jobQueue": "sample-analysis", "jobDefinition": "sample-job", missing: "nowhere"}
    with pytest.raises(ClientError, match="does not exist"):
        sample_stack.client("batch").submit_job(**request)


def test_a_function_is_denied_what_its_role_does_not_grant(sample_stack: LocalStack) -> None:
    """The control for every test of permissions: with IAM not enforced this write would succeed."""
    answer = httpx.post(f"{sample_stack.outputs['api_url']}/forbidden", json={}, timeout=30)
    assert (answer.status_code, answer.text) == (403, "AccessDeniedException")


def test_the_batch_api_is_denied_to_a_role_without_a_grant(sample_stack: LocalStack) -> None:
    credentials = sample_stack.client("sts").assume_role(
        RoleArn=sample_stack.outputs["analysis_job_role_arn"], RoleSessionName="curious"
    )["Credentials"]
    batch = aws.client("batch", sample_stack.outputs["batch_endpoint_url"], credentials)
    calls: list[Callable[[], object]] = [
        lambda: batch.submit_job(jobName="own", jobQueue="sample-analysis", jobDefinition="sample-job"),
        lambda: batch.describe_jobs(jobs=["any"]),
        lambda: batch.terminate_job(jobId="any", reason="spite"),
    ]
    for call in calls:
        with pytest.raises(ClientError, match="is not authorized to perform"):
            call()


def test_only_the_poison_records_of_a_stream_reach_the_failure_destination(sample_stack: LocalStack) -> None:
    dynamodb, outputs = sample_stack.client("dynamodb"), sample_stack.outputs
    list(received(sample_stack, outputs["failures_url"]))
    names = ["s1", "bad", "s2", "s3", "reported", "s4"]
    for name in names:
        dynamodb.put_item(TableName=outputs["data_table"], Item={"id": {"S": name}})
    passed: list[str] = []
    failures: list[dict[str, Any]] = []

    def complete() -> bool:
        passed.extend(received(sample_stack, outputs["seen_url"]))
        failures.extend(json.loads(body) for body in received(sample_stack, outputs["failures_url"]))
        return len(failures) >= 2 and {"s1", "s2", "s3", "s4"} <= set(passed)

    assert eventually(complete), (passed, failures)
    assert not {"bad", "reported"} & set(passed)
    assert [failure["requestContext"]["condition"] for failure in failures] == ["RetryAttemptsExhausted"] * 2
    assert [failure["DDBStreamBatchInfo"]["batchSize"] for failure in failures] == [1, 1]


def test_the_stages_origins_are_let_in(sample_stack: LocalStack) -> None:
    def preflight(origin: str) -> httpx.Response:
        headers = {"origin": origin, "access-control-request-method": "GET"}
        return httpx.options(f"{sample_stack.outputs['api_url']}/jobs", headers=headers)

    allowed = preflight("https://app.example.com")
    assert allowed.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "access-control-allow-origin" not in preflight("https://evil.example.com").headers


def test_a_second_up_finds_the_stack_current_in_seconds(sample_stack: LocalStack) -> None:
    before = dict(sample_stack.outputs)
    started = time.monotonic()
    assert "up to date" in sample_stack.command("up")
    assert time.monotonic() - started < 5
    assert sample_stack.outputs == before


def test_changed_code_is_deployed_into_the_running_stack(sample_stack: LocalStack) -> None:
    source = sample_stack.checkout / "functions" / "sample" / "sample.py"
    source.write_text(source.read_text().replace('"body": "written"', '"body": "changed"').replace("403", "451"))
    record = RunningStack.read(sample_stack.layout)
    assert "not with the code as it is now" in sample_stack.command("status")
    sample_stack.command("up")
    assert RunningStack.read(sample_stack.layout) == record
    answer = httpx.post(f"{sample_stack.outputs['api_url']}/forbidden", json={}, timeout=30)
    assert answer.status_code == 451


def test_this_checkouts_stack_tells_where_everything_is(local_stack: LocalStack) -> None:
    outputs = local_stack.outputs
    assert httpx.get(f"{outputs['api_url']}/v1/health", timeout=30).status_code == 200
    buckets = {bucket["Name"] for bucket in local_stack.client("s3").list_buckets()["Buckets"]}
    assert {outputs["uploads_bucket"], outputs["results_bucket"], outputs["events_bucket"]} <= buckets
    tables = set(local_stack.client("dynamodb").list_tables()["TableNames"])
    named = ("data_table", "outbox_table", "read_models_table", "audit_table", "ephemeral_table")
    assert {outputs[name] for name in named} <= tables
    queue = outputs["analysis_job_queue_name"]
    assert local_stack.client("batch").describe_job_queues(jobQueues=[queue])["jobQueues"]
