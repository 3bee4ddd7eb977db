"""AWS Batch for the local stack: a proxy before the emulator's Batch API that really runs the jobs.

Every request goes to the emulator unchanged, Host header included, so that its signature check and IAM decide about it.
What the emulator accepts but only pretends to do is done here: a submitted job runs as a process under its job role,
with its definition's command, environment, timeout and retry strategy, and each change of its state becomes an event.
"""

import http.client
import json
import logging
import queue
import secrets
import sys
import threading
import time
from collections.abc import Callable, Mapping
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from infra.local import aws
from infra.local.batch_jobs import CONTAINER_EXITED, Job, JobDefinition, JobStatus, JobSubmission, Scheduler
from infra.local.layout import Layout
from infra.local.processes import LeashedProcess, isolated_environment

EVENT_SOURCE = "local.batch"  # the emulator, as AWS, refuses PutEvents under a source of `aws.`
EVENT_TYPE = "Batch Job State Change"
# Batch gives a container 30 s between SIGTERM and SIGKILL; whoever stops the whole stack would wait for as long.
STOP_GRACE_SECONDS = 10.0
CREDENTIALS_PATH = "/credentials/"
CREDENTIALS_SECONDS = 3600

logger = logging.getLogger("batch")

Answer = tuple[int, dict[str, Any]]
Model = TypeVar("Model", JobDefinition, JobSubmission)


class Refusal(Exception):
    """What the Batch API answers with a ClientException."""


class BatchRunner:
    """Has its address at once, since the emulator has to be told it; serves from `start` to `close`."""

    def __init__(
        self,
        layout: Layout,
        base_environment: Mapping[str, str],
        *,
        capacity: int = 1,
    ) -> None:
        self._layout = layout
        self._emulator_url = ""
        self._base_environment = isolated_environment(base_environment)
        self._definitions: dict[str, list[tuple[str, JobDefinition]]] = {}
        self._queues: dict[str, str] = {}
        self._processes: dict[str, LeashedProcess] = {}
        self._tokens: dict[str, str] = {}
        self._changes: queue.Queue[dict[str, object] | None] = queue.Queue()
        self._scheduler = Scheduler(
            capacity=capacity, now_ms=lambda: time.time_ns() // 1_000_000, on_change=self._changes.put
        )
        self._closed = False
        self._server = _Server(("127.0.0.1", 0), _Handler, self)
        self._serving = threading.Thread(target=self._server.serve_forever, name="batch-api", daemon=True)
        self._emitter = threading.Thread(target=self._emit_changes, name="batch-events", daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self, emulator_url: str) -> None:
        self._emulator_url = emulator_url
        (self._layout.logs / "jobs").mkdir(parents=True, exist_ok=True)
        self._emitter.start()
        self._serving.start()

    def close(self) -> None:
        """Ends the running jobs and stops serving."""
        self._closed = True
        if self._serving.is_alive():
            self._server.shutdown()
        self._server.server_close()
        for process in list(self._processes.values()):
            process.stop()
        self._changes.put(None)

    # The API

    def answer(self, path: str, body: dict[str, Any], headers: Message, raw: bytes) -> Answer:
        operation = path.rstrip("/").rsplit("/", 1)[-1].lower()
        status, emulated = self._forward(path, headers, raw)
        if operation in ("terminatejob", "canceljob"):
            # The emulator has no such operation, but it authenticates and authorizes before it says so.
            if status in (401, 403):
                return status, emulated
            return self._stop_job(operation, body)
        if status != 200:
            return status, emulated
        match operation:
            case "registerjobdefinition":
                self._keep_definition(body, emulated)
            case "createjobqueue":
                self._queues[str(emulated["jobQueueName"])] = str(emulated["jobQueueArn"])
            case "submitjob":
                self._submit(body, emulated)
            case "describejobs":
                emulated["jobs"] = [self._known_detail(job) for job in emulated["jobs"]]
            case "listjobs":
                emulated["jobSummaryList"] = self._summaries(body)
            case _:
                pass
        return status, emulated

    def _forward(self, path: str, headers: Message, raw: bytes) -> Answer:
        address = urlsplit(self._emulator_url)
        connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=30)
        try:
            connection.putrequest("POST", path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() != "connection":
                    connection.putheader(name, value)
            connection.endheaders(raw)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        return response.status, _json_object(content)

    def _keep_definition(self, body: dict[str, Any], registered: dict[str, Any]) -> None:
        definition = _validated(JobDefinition, body)
        revisions = self._definitions.setdefault(definition.job_definition_name, [])
        revisions.append((str(registered["jobDefinitionArn"]), definition))

    def _submit(self, body: dict[str, Any], submitted: dict[str, Any]) -> None:
        submission = _validated(JobSubmission, body)
        if submission.array_properties or submission.depends_on:
            raise Refusal("Array jobs and job dependencies can't be run by the local stack")
        definition_arn, definition = self._definition(submission.job_definition)
        self._scheduler.submit(
            Job(
                id=str(submitted["jobId"]),
                arn=str(submitted["jobArn"]),
                queue=self._queue_arn(submission.job_queue),
                submission=submission,
                definition=definition,
                definition_arn=definition_arn,
                created_at=time.time_ns() // 1_000_000,
            )
        )
        self._start_jobs()

    def _definition(self, reference: str) -> tuple[str, JobDefinition]:
        """By name (its latest revision), name:revision or ARN."""
        name, _, revision = reference.rpartition("job-definition/")[2].partition(":")
        for arn, definition in reversed(self._definitions.get(name, [])):
            if not revision or arn.rpartition(":")[2] == revision:
                return arn, definition
        raise Refusal(f"JobDefinition {reference} does not exist or is not active")

    def _queue_arn(self, reference: str) -> str:
        try:
            return self._queues[reference.rpartition("job-queue/")[2]]
        except KeyError as error:
            raise Refusal(f"JobQueue {reference} does not exist") from error

    def _stop_job(self, operation: str, body: dict[str, Any]) -> Answer:
        job_id, reason = str(body.get("jobId", "")), str(body.get("reason", ""))
        if not job_id or not reason:
            raise Refusal("jobId and reason are required")
        if operation == "canceljob":
            self._scheduler.cancel(job_id, reason)
        elif self._scheduler.terminate(job_id, reason) and (process := self._processes.get(job_id)):
            threading.Thread(target=process.stop, daemon=True).start()
        return 200, {}

    def _known_detail(self, emulated: dict[str, Any]) -> dict[str, Any]:
        detail = self._scheduler.detail(str(emulated["jobId"]))
        return emulated if detail is None else {**emulated, "container": {}, "statusReason": "", **detail}

    def _summaries(self, body: dict[str, Any]) -> list[dict[str, object]]:
        """All from here: to the emulator every job has succeeded, and that is what it filters by."""
        if not body.get("jobQueue"):
            raise Refusal("The local stack lists the jobs of one job queue only")
        queue_arn = self._queue_arn(str(body["jobQueue"]))
        wanted = _job_filter(body)
        names = ("jobId", "jobArn", "jobName", "status", "statusReason", "createdAt", "startedAt", "stoppedAt")
        return [
            {name: detail[name] for name in names if name in detail}
            for detail in self._scheduler.details()
            if detail["jobQueue"] == queue_arn and wanted(detail)
        ]

    # The jobs

    def _start_jobs(self) -> None:
        while not self._closed and (job := self._scheduler.start_next(self._log_name)):
            threading.Thread(target=self._run_attempt, args=(job,), name=f"job-{job.id}", daemon=True).start()

    @staticmethod
    def _log_name(job: Job) -> str:
        return f"jobs/{job.id}.log"

    def _run_attempt(self, job: Job) -> None:
        timed_out = False
        with (self._layout.logs / self._log_name(job)).open("ab") as log:
            try:
                process = LeashedProcess(
                    self._local_command(job),
                    environment=self._environment(job),
                    directory=self._layout.checkout,
                    output=log.fileno(),
                    grace_seconds=STOP_GRACE_SECONDS,
                )
            except OSError as error:
                logger.error("job %s can't be started: %s", job.id, error)
                self._scheduler.attempt_ended(
                    job, None, status_reason="Task failed to start", reason=f"CannotStartContainerError: {error}"
                )
            else:
                self._processes[job.id] = process
                self._scheduler.running(job)
                if job.stop_reason is not None:  # terminated between its turn and its process
                    process.stop()
                try:
                    exit_code = process.wait(job.timeout_seconds)
                except TimeoutError:
                    timed_out, exit_code = True, process.stop()
                del self._processes[job.id]
                logger.info("job %s attempt %d ended with %d", job.id, job.attempt_number, exit_code)
                self._scheduler.attempt_ended(job, exit_code, status_reason=CONTAINER_EXITED, timed_out=timed_out)
        self._start_jobs()

    @staticmethod
    def _local_command(job: Job) -> list[str]:
        """The image's `python` is this checkout's."""
        program, *arguments = job.command
        return [sys.executable if program in ("python", "python3") else program, *arguments]

    def _environment(self, job: Job) -> dict[str, str]:
        return {
            **self._base_environment,
            **aws.environment(self._emulator_url),
            **job.environment,
            **self._credentials_address(job),
            "AWS_BATCH_JOB_ID": job.id,
            "AWS_BATCH_JOB_ATTEMPT": str(job.attempt_number),
            "AWS_BATCH_JQ_NAME": job.queue.rpartition("/")[2],
            "AWS_BATCH_CE_NAME": "local",
            "PYTHONUNBUFFERED": "1",
        }

    # The credentials of a job's role, where the SDKs look for them in a container and get fresh ones in time

    def _credentials_address(self, job: Job) -> dict[str, str]:
        if job.definition.container_properties.job_role_arn is None:
            return {}
        token = self._tokens.setdefault(job.id, secrets.token_urlsafe(32))
        return {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{self.url}{CREDENTIALS_PATH}{job.id}",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": token,
        }

    def credentials(self, job_id: str, token: str) -> Answer:
        job, expected = self._scheduler.job(job_id), self._tokens.get(job_id)
        if job is None or expected is None or job.status.ended or not secrets.compare_digest(token, expected):
            return 403, {"code": "AccessDenied", "message": "These are not this job's credentials"}
        role = job.definition.container_properties.job_role_arn
        credentials = aws.client("sts", self._emulator_url).assume_role(
            RoleArn=role, RoleSessionName=job.id, DurationSeconds=CREDENTIALS_SECONDS
        )["Credentials"]
        return 200, {
            "RoleArn": role,
            "AccessKeyId": credentials["AccessKeyId"],
            "SecretAccessKey": credentials["SecretAccessKey"],
            "Token": credentials["SessionToken"],
            "Expiration": credentials["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _emit_changes(self) -> None:
        events = aws.client("events", self._emulator_url)
        while (detail := self._changes.get()) is not None:
            entry = {
                "Source": EVENT_SOURCE,
                "DetailType": EVENT_TYPE,
                "Resources": [detail["jobArn"]],
                "Detail": json.dumps(detail),
            }
            try:
                failed = events.put_events(Entries=[entry])["FailedEntryCount"]
            except (BotoCoreError, ClientError) as error:
                failed = 1
                logger.error("event for job %s: %s", detail["jobId"], error)
            if failed:
                logger.error("the event %s of job %s is lost", detail["status"], detail["jobId"])


def _validated(model: type[Model], body: dict[str, Any]) -> Model:
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise Refusal(str(error)) from error


def _job_filter(body: Mapping[str, Any]) -> Callable[[Mapping[str, object]], bool]:
    """Jobs of one state, or, whatever their state, those of one name: as in Batch, a filter by name rules out one by
    state.
    """
    filters = body.get("filters")
    if not filters:
        status = body.get("jobStatus", JobStatus.RUNNING)
        return lambda detail: detail["status"] == status
    match filters:
        case [{"name": "JOB_NAME", "values": [str(name)]}]:
            return lambda detail: detail["jobName"] == name
        case _:
            raise Refusal("The local stack filters jobs by one name only")


def _json_object(content: bytes) -> dict[str, Any]:
    value: object = json.loads(content or b"{}")
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return cast(dict[str, Any], value)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], runner: BatchRunner) -> None:
        super().__init__(address, handler)
        self.runner = runner


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        server = self.server
        assert isinstance(server, _Server)
        try:
            status, body = server.runner.answer(self.path, _json_object(raw), self.headers, raw)
        except (Refusal, ValueError) as refusal:
            status, body = 400, {"__type": "ClientException", "message": str(refusal)}
        except (OSError, http.client.HTTPException) as error:
            logger.error("the emulator doesn't answer: %s", error)
            status, body = 503, {"__type": "ServerException", "message": "The emulator does not answer"}
        self._send(status, body)

    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, _Server)
        status, body = 404, {"message": "There is nothing here"}
        if self.path.startswith(CREDENTIALS_PATH):
            token = self.headers.get("Authorization", "")
            try:
                status, body = server.runner.credentials(self.path.removeprefix(CREDENTIALS_PATH), token)
            except (BotoCoreError, ClientError) as error:
                logger.error("the job role can't be assumed: %s", error)
                status, body = 500, {"code": "InternalServerException", "message": str(error)}
        self._send(status, body)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        if status >= 400:
            self.send_header("x-amzn-errortype", str(body.get("__type", "ClientException")))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        logger.debug(format, *args)
