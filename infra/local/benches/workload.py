"""The command that is measured: StartConversation about one video, plain and with everything that a policy can ask for.

Plain, it reads the caller's role and the video and commits two items. The full policy adds two rate limits, the
idempotency record and the audit trail.
"""

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from functions.billing.adapters.rows import SubscriptionRow
from functions.conversations.commands.start_conversation import ENDPOINT
from functions.entry import compose_request
from functions.videos.adapters.rows import VideoRow
from functions.workspaces.adapters.rows import CollaboratorRow
from infra.local.benches.endpoint import Reply
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import Endpoint
from shared.http.entry import HttpFunction, principal_context
from shared.kernel.principals import User
from shared.persistence.scope import Runtime

WORKSPACE_ID = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"
VIDEO_ID = "0190a5a2-8d2c-7f55-9e6d-2a3f4e5d6c7b"
ANALYSIS_ID = "0190a5a2-9e3d-7a66-8f7e-3b4a5f6e7d8c"
CALLER = User(user_id="0190a5a2-1a2b-7c3d-8e4f-5a6b7c8d9e0f", session_id="0190a5a2-2b3c-7d4e-9f5a-6b7c8d9e0f1a")

PLAIN = replace(ENDPOINT, policy=Policy(permission=ENDPOINT.policy.permission))
FULL = replace(
    ENDPOINT,
    policy=Policy(
        permission=ENDPOINT.policy.permission,
        rate_limit=ENDPOINT.policy.rate_limit,
        idempotency=Idempotency.REQUIRED,
        audit="StartConversation",
    ),
)

CALLS: Mapping[str, tuple[str, ...]] = {
    "plain": ("GetItem", "GetItem", "TransactWriteItems"),
    "full": ("GetItem", "UpdateItem", "UpdateItem", "GetItem", "TransactWriteItems", "GetItem", "TransactWriteItems"),
}
"""The AWS calls of each, in their order: role, (two rate limits, idempotency record, the attempt's audit entry), video
and the one transaction.
"""

SETTINGS = {
    "STAGE": "bench",
    "DATA_TABLE": "visionscope-bench-data",
    "OUTBOX_TABLE": "visionscope-bench-outbox",
    "EPHEMERAL_TABLE": "visionscope-bench-ephemeral",
    "AUDIT_TABLE": "visionscope-bench-audit",
    "EVENTS_BUCKET": "visionscope-bench-events",
    "BUS_NAME": "visionscope-bench",
}


def function(endpoint: Endpoint, runtime: Callable[[], Runtime] = Runtime) -> HttpFunction:
    """What `http_function` makes of the declaration."""
    return HttpFunction(endpoint, compose_request, runtime)


def replies() -> list[Reply]:
    """What DynamoDB answers when the caller may write and the video is analysed."""
    role = CollaboratorRow(
        pk=f"WORKSPACE#{WORKSPACE_ID}", sk=f"COLLABORATOR#{CALLER.user_id}", role="owner", joined_at=_LONG_AGO
    )
    video = VideoRow(
        pk=f"VIDEO#{WORKSPACE_ID}#{VIDEO_ID}",
        sk="VIDEO",
        version=5,
        workspace_id=WORKSPACE_ID,
        video_id=VIDEO_ID,
        title="Trailer",
        file_name="trailer.mp4",
        content_type="video/mp4",
        size_bytes=12_345_678,
        created_by=CALLER.actor,
        created_at=_LONG_AGO,
        correlation_id="0190a5a2-3c4d-7e5f-8a6b-7c8d9e0f1a2b",
        status="ready",
        duration_ms=55_000,
        width=1280,
        height=720,
        etag="9b2cf535f27731c974343645a3985328",
        current_analysis_id=ANALYSIS_ID,
    )
    tier = SubscriptionRow(pk=f"CREDITS#{WORKSPACE_ID}", sk="SUBSCRIPTION", tier="free", version=1)
    return [
        Reply("GetItem", "SUBSCRIPTION", {"Item": tier.serialize()}),
        Reply("GetItem", "COLLABORATOR#", {"Item": role.serialize()}),
        Reply("GetItem", '"VIDEO#', {"Item": video.serialize()}),
    ]


def requests() -> Iterator[dict[str, Any]]:
    """Events as the HTTP API sends them (payload format 2.0), each under an idempotency key of its own."""
    path = ENDPOINT.path.replace("{workspace_id}", WORKSPACE_ID)
    for number in itertools.count():
        yield {
            "version": "2.0",
            "routeKey": f"{ENDPOINT.method} {ENDPOINT.path}",
            "rawPath": path,
            "rawQueryString": "",
            "headers": {
                "accept": "*/*",
                "accept-encoding": "gzip, deflate",
                "authorization": "Bearer " + "x" * 420,
                "content-length": "56",
                "content-type": "application/json",
                "host": "api.example.com",
                "idempotency-key": f"a-key-{number}",
                "user-agent": "python-httpx/0.28.1",
                "x-amzn-trace-id": "Root=1-5e1b4151-5ac6c58f5b6a4d7d8e9f0a1b",
                "x-forwarded-for": "192.0.2.1",
                "x-forwarded-port": "443",
                "x-forwarded-proto": "https",
            },
            "pathParameters": {"workspace_id": WORKSPACE_ID},
            "requestContext": {
                "accountId": "123456789012",
                "apiId": "abcdefghij",
                "authorizer": {"lambda": principal_context(CALLER)},
                "domainName": "api.example.com",
                "domainPrefix": "api",
                "http": {
                    "method": ENDPOINT.method,
                    "path": path,
                    "protocol": "HTTP/1.1",
                    "sourceIp": "192.0.2.1",
                    "userAgent": "python-httpx/0.28.1",
                },
                "requestId": "JKJaXmPLvHcESHA=",
                "routeKey": f"{ENDPOINT.method} {ENDPOINT.path}",
                "stage": "$default",
                "time": "12/Mar/2026:19:03:58 +0000",
                "timeEpoch": 1773342238000,
            },
            "body": json.dumps({"video_ids": [VIDEO_ID]}),
            "isBase64Encoded": False,
        }


_LONG_AGO = "2026-01-02T03:04:05.678Z"
