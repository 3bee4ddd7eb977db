"""From the outbox to the bus and the event log, and the answer to unknown routes."""

import json
from pathlib import Path
from typing import Any

from functions.operations.fallback import Fallback
from functions.operations.subscribers.log_events import LogEvents
from functions.operations.subscribers.publish_outbox import PublishOutbox
from functions.operations.subscribers.sweep_outbox import SweepOutbox
from shared.aws.settings import Settings
from shared.persistence.scope import Runtime
from tests.support.aws import Aws
from tests.support.queues import from_bus
from tests.support.workspaces import open_workspace


class Bus:
    """EventBridge that keeps what it accepts."""

    def __init__(self, *, down: bool = False) -> None:
        self.down = down
        self.accepted: list[str] = []

    def put_events(self, Entries: list[dict[str, str]]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        if self.down:
            return {"Entries": [{"ErrorCode": "InternalFailure"} for _ in Entries]}
        self.accepted += [json.loads(entry["Detail"])["metadata"]["message_id"] for entry in Entries]
        return {"Entries": [{"EventId": "e"} for _ in Entries]}


def stream(aws: Aws) -> dict[str, Any]:
    return {
        "Records": [
            {"dynamodb": {"NewImage": item, "SequenceNumber": str(number)}}
            for number, item in enumerate(aws.items("outbox"))
        ]
    }


def message_ids(aws: Aws) -> list[str]:
    return sorted(event.metadata.message_id for event in aws.events())


def test_the_stream_is_published_and_marked(aws: Aws) -> None:
    open_workspace(aws)
    open_workspace(aws)
    bus = aws.fakes["events"] = Bus()
    assert PublishOutbox(aws.runtime)(stream(aws)) == {"batchItemFailures": []}
    assert sorted(bus.accepted) == message_ids(aws)
    for item in aws.items("outbox"):
        assert {"published_at", "expires_at"} <= item.keys()
        assert "shard" not in item


def test_what_could_not_be_published_is_reported_and_swept_later(aws: Aws) -> None:
    open_workspace(aws)
    bus = aws.fakes["events"] = Bus(down=True)
    assert PublishOutbox(aws.runtime)(stream(aws)) == {"batchItemFailures": [{"itemIdentifier": "0"}]}
    bus.down = False
    assert SweepOutbox(aws.runtime)({}) == {"swept": 0, "failed": 0}, "the stream still has its chance"
    aws.clock.advance(minutes=2)
    assert SweepOutbox(aws.runtime)({}) == {"swept": 1, "failed": 0}
    assert sorted(bus.accepted) == message_ids(aws)
    assert SweepOutbox(aws.runtime)({}) == {"swept": 0, "failed": 0}


def test_every_event_is_kept_in_the_log_once_and_a_stranger_is_reported(aws: Aws) -> None:
    open_workspace(aws)
    bodies = [json.dumps(from_bus(event)) for event in aws.events()]
    records = [{"messageId": str(at), "body": body} for at, body in enumerate([*bodies, bodies[0], "{}"])]
    assert LogEvents(aws.runtime)({"Records": records}) == {"batchItemFailures": [{"itemIdentifier": "3"}]}
    listed = aws.client("s3").list_objects_v2(Bucket=aws.settings["EVENTS_BUCKET"])["Contents"]
    assert sorted(one["Key"].rsplit("/")[-1] for one in listed) == [f"{one}.json" for one in message_ids(aws)]
    assert all(one["Key"].startswith("2026-03-01/12/visionscope.") for one in listed)


def test_unknown_routes_and_methods_are_problems(tmp_path: Path) -> None:
    routes = tmp_path / "routes.json"
    routes.write_text(json.dumps([["GET", "/v1/workspaces/{workspace_id}"], ["POST", "/v1/workspaces"]]))
    fallback = Fallback(Runtime(Settings({})), routes)
    wrong_method = fallback({"rawPath": "/v1/workspaces/7", "headers": {}})
    assert (wrong_method["statusCode"], wrong_method["headers"]["allow"]) == (405, "GET")
    for path in ("/v1/workspaces/7/more", "/", "/v1/workspacesX", "/v1/workspaces/"):
        answer = fallback({"rawPath": path, "headers": {}})
        assert (answer["statusCode"], json.loads(answer["body"])["type"]) == (404, "/problems/not-found")
