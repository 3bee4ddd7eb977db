"""The analysis worker, the local stack's start, and a warm command over HTTP.

1. The analysis worker on the demo's video: shots, text and speech in fast mode.
2. A warm `make local`: everything is installed, nothing runs.
3. A warm command (create a video: authorizer, authorization, validation, one transaction with its outbox item) against
   a Lambda that does nothing, behind the same authorizer on the same stack, in turns in the same run.
"""

import io
import json
import secrets
import statistics
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra.local import aws
from infra.local.benches.bars import Bar, at_least, at_most, output
from infra.local.client import ApiClient, ApiRefused
from infra.local.demo_video import make_video
from infra.local.layout import Layout
from infra.local.processes import is_held
from infra.local.screen import Screen

MIN_REAL_TIME_FACTOR = 4.0
MAX_WORKER_MEBIBYTES = 1.5 * 1024
MAX_LOCAL_SECONDS = 60.0
MAX_ROUND_TRIP_RATIO = 2.0

WARM_UP_CALLS = 5
CALLS = 40
LOCAL_COMMAND_SECONDS = 900
MEASURE_SECONDS = 600

# As little as an HTTP API can be answered with, and a log line: the emulator waits 50 ms for the first one of a call,
# so a silent function would be the slower one.
TRIVIAL_CODE = """\
import sys

def handler(event, context):
    print("handled", file=sys.stderr, flush=True)
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": "{}"}
"""


def bench_worker(screen: Screen, layout: Layout) -> list[Bar]:
    with screen.step("analysing the demo's video") as step:
        # In a process of its own, so that the memory is the worker's.
        command = [sys.executable, "-m", "functions.analysis.measure", str(make_video(layout.root)), "--json"]
        figures: dict[str, Any] = json.loads(output(command, MEASURE_SECONDS))
        step.outcome = (
            f"analysed the demo's video, {figures['duration_ms'] / 1000:.1f} s of video, on {figures['cores']} cores"
        )
    rows = [(part, f"{seconds:.2f} s") for part, seconds in figures["parts"].items()]
    screen.table([*rows, ("in all, on the wall", f"{figures['wall_seconds']:.2f} s")], right=(1,))
    factor, memory = figures["real_time_factor"], figures["peak_mebibytes"]
    return [
        at_least("worker, of real time", factor, MIN_REAL_TIME_FACTOR, digits=1),
        at_most("worker, peak memory", memory, MAX_WORKER_MEBIBYTES, digits=0, unit=" MiB"),
    ]


def bench_stack(screen: Screen, layout: Layout) -> list[Bar]:
    was_running = is_held(layout.stack_lock)
    try:
        return [_bench_local(screen, layout), _bench_round_trip(screen, layout)]
    finally:
        if not was_running and is_held(layout.stack_lock):
            _local("down")


def _bench_local(screen: Screen, layout: Layout) -> Bar:
    """The second start of two, where nothing was running: the first one installs and builds what is missing."""
    if is_held(layout.stack_lock):
        with screen.step("stopping the local stack, to start it anew"):
            _local("down")
    else:
        with screen.step("installing what is missing"):
            _local("up")
            _local("down")
    with screen.step("starting the local stack") as step:
        started = time.monotonic()
        _local("up")
        seconds = time.monotonic() - started
        step.outcome = "started the local stack, everything installed"
    return at_most("warm `make local`", seconds, MAX_LOCAL_SECONDS, digits=1, unit=" s")


def _bench_round_trip(screen: Screen, layout: Layout) -> Bar:
    outputs: dict[str, str] = json.loads(layout.outputs.read_text())
    with (
        screen.step(f"calling a command and a trivial Lambda {CALLS} times each, in turns") as step,
        ApiClient(outputs["api_url"]) as api,
        _trivial_route(outputs) as trivial,
    ):
        workspace = _enter(api)
        video = {"file_name": "bench.mp4", "content_type": "video/mp4", "size_bytes": 1_000}
        command_seconds: list[float] = []
        trivial_seconds: list[float] = []
        for call in range(WARM_UP_CALLS + CALLS):
            seconds = _timed(api, "POST", f"{workspace}/videos", video, expect=201), _timed(api, "GET", trivial)
            if call >= WARM_UP_CALLS:
                command_seconds.append(seconds[0])
                trivial_seconds.append(seconds[1])
        step.outcome = f"called a command and a trivial Lambda {CALLS} times each, in turns"
    command_ms, trivial_ms = (statistics.median(one) * 1000 for one in (command_seconds, trivial_seconds))
    screen.table(
        [
            ("POST …/videos", f"median {command_ms:.1f} ms", f"p90 {_p90(command_seconds) * 1000:.1f} ms"),
            ("GET a trivial Lambda", f"median {trivial_ms:.1f} ms", f"p90 {_p90(trivial_seconds) * 1000:.1f} ms"),
        ]
    )
    return at_most("warm command, of a trivial Lambda", command_ms / trivial_ms, MAX_ROUND_TRIP_RATIO)


def _enter(api: ApiClient) -> str:
    email, password = f"bench-{secrets.token_hex(6)}@example.com", secrets.token_urlsafe(24)
    api.post("/v1/users", {"email": email, "password": password, "name": "Bench"})
    api.log_in(email, password)
    workspace = api.post("/v1/workspaces", {"name": "Bench"})
    return f"/v1/workspaces/{workspace['workspace_id']}"


def _timed(api: ApiClient, method: str, path: str, body: object = None, *, expect: int = 200) -> float:
    started = time.perf_counter()
    response = api.send(method, path, body)
    seconds = time.perf_counter() - started
    if response.status_code != expect:
        raise ApiRefused(f"{method} {path}", response)
    return seconds


@contextmanager
def _trivial_route(outputs: dict[str, str]) -> Iterator[str]:
    """A route of the deployed API to a Lambda that does nothing, for as long as it is measured. Gives its path."""
    api_id, name = outputs["api_id"], f"bench-trivial-{secrets.token_hex(4)}"
    gateway, functions = (aws.client(service, outputs["endpoint_url"]) for service in ("apigatewayv2", "lambda"))
    (authorizer,) = gateway.get_authorizers(ApiId=api_id)["Items"]
    model = functions.get_function_configuration(FunctionName=_a_function_of(gateway, api_id))
    made = functions.create_function(
        FunctionName=name,
        Runtime=model["Runtime"],
        Role=model["Role"],
        Handler="trivial.handler",
        Code={"ZipFile": _zipped("trivial.py", TRIVIAL_CODE)},
        MemorySize=model["MemorySize"],
        Timeout=model["Timeout"],
    )
    integration = gateway.create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=made["FunctionArn"], PayloadFormatVersion="2.0"
    )["IntegrationId"]
    route = gateway.create_route(
        ApiId=api_id,
        RouteKey=f"GET /v1/{name}",
        Target=f"integrations/{integration}",
        AuthorizationType="CUSTOM",
        AuthorizerId=authorizer["AuthorizerId"],
    )["RouteId"]
    functions.add_permission(
        FunctionName=name,
        StatementId="gateway",
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
    )
    try:
        yield f"/v1/{name}"
    finally:
        gateway.delete_route(ApiId=api_id, RouteId=route)
        gateway.delete_integration(ApiId=api_id, IntegrationId=integration)
        functions.delete_function(FunctionName=name)


def _a_function_of(gateway: Any, api_id: str) -> str:
    """The function behind the command that is measured: the trivial one gets its size and role."""
    routes = {route["RouteKey"]: route for route in gateway.get_routes(ApiId=api_id, MaxResults="500")["Items"]}
    target: str = routes["POST /v1/workspaces/{workspace_id}/videos"]["Target"]
    integration = gateway.get_integration(ApiId=api_id, IntegrationId=target.removeprefix("integrations/"))
    uri: str = integration["IntegrationUri"]
    # Either the function's ARN or the invocation path around it.
    return uri.removesuffix("/invocations").rpartition("function:")[2]


def _zipped(name: str, source: str) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as folder:
        folder.writestr(name, source)
    return archive.getvalue()


def _p90(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=10)[-1]


def _local(command: str) -> None:
    output([sys.executable, "-m", "infra.local", command], LOCAL_COMMAND_SECONDS)
