"""The resources of a stage in moto, with the keys and indexes that infrastructure gives them."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest

from shared.aws.settings import Settings
from shared.kernel.ids import Ids, Uuid7
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import OutboxItem
from shared.persistence.scope import Runtime
from tests.support.clock import FakeClock

REGION = "us-east-1"
TABLES = ("data", "outbox", "read-models", "audit", "ephemeral")
BUCKETS = ("uploads", "results", "events")
CURSOR_SECRET = "visionscope-test-cursor-secret"


@dataclass(slots=True)
class Aws:
    """A stage in moto. A client put into `fakes` under its service's name stands in for moto's."""

    settings: Settings
    clock: FakeClock
    ids: Ids
    _make_client: Callable[[str], Any]
    fakes: dict[str, Any] = field(default_factory=dict[str, Any])

    def client(self, service: str) -> Any:
        return self.fakes.get(service) or self._make_client(service)

    @property
    def runtime(self) -> Runtime:
        """A process' runtime; each one starts without anything cached."""
        return Runtime(self.settings, self.clock, self.ids, self.client)

    def items(self, table: str) -> list[dict[str, Any]]:
        """Every item of a table, by key."""
        answer = self.client("dynamodb").scan(TableName=self.settings.table(table))
        assert "LastEvaluatedKey" not in answer
        found: list[dict[str, Any]] = answer["Items"]
        return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))

    def events(self, detail_type: str | None = None) -> list[Envelope]:
        """The events in the outbox in the order they were recorded, all or those of one type."""
        events = [one for one in self._outbox() if one.destination is None]
        return [event for event in events if detail_type in (None, event.detail_type)]

    def commands(self, queue: str | None = None) -> list[Envelope]:
        """The queued commands in the outbox in the order they were sent, all or those to one queue."""
        return [one for one in self._outbox() if one.destination and queue in (None, one.destination.queue)]

    def _outbox(self) -> list[Envelope]:
        items = [OutboxItem.from_attributes(item) for item in self.items("outbox")]
        return [one for item in sorted(items, key=lambda item: item.item_id) for one in item.events]

    def upload(self, key: str, body: bytes) -> None:
        self.client("s3").put_object(Bucket=self.settings["UPLOADS_BUCKET"], Key=key, Body=body)

    def result(self, key: str) -> bytes:
        body: bytes = self.client("s3").get_object(Bucket=self.settings["RESULTS_BUCKET"], Key=key)["Body"].read()
        return body

    def put_result(self, key: str, body: bytes) -> None:
        self.client("s3").put_object(Bucket=self.settings["RESULTS_BUCKET"], Key=key, Body=body)


class CountedCalls:
    """A client of botocore that keeps which operations were asked of it."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self.operations: list[str] = []

    def __getattr__(self, name: str) -> Any:
        self.operations.append(name)
        return getattr(self._client, name)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ACCOUNT_ID_ENDPOINT_MODE": "disabled",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    with stage_in_moto() as stage:
        yield stage


@contextmanager
def stage_in_moto() -> Iterator[Aws]:
    from moto import mock_aws

    with mock_aws():
        client = _clients()
        clock = FakeClock()
        yield Aws(Settings(_create_resources(client)), clock, Uuid7(clock), client)


@cache
def _clients() -> Callable[[str], Any]:
    """Made once per process: what they talk to, moto, starts empty for each test."""
    import botocore.session
    from botocore.config import Config

    session = botocore.session.get_session()

    @cache
    def client(service: str) -> Any:
        config = Config(signature_version="s3v4" if service == "s3" else None)
        return session.create_client(service, region_name=REGION, config=config)

    return client


def _create_resources(client: Callable[[str], Any]) -> Mapping[str, str]:
    environment = {"STAGE": "test", "BUS_NAME": "visionscope-test"}
    for logical_name in TABLES:
        name = f"visionscope-test-{logical_name}"
        _create_table(client("dynamodb"), name, indexed=logical_name == "outbox")
        environment[f"{logical_name.upper().replace('-', '_')}_TABLE"] = name
    for logical_name in BUCKETS:
        name = f"visionscope-test-{logical_name}"
        client("s3").create_bucket(Bucket=name)
        environment[f"{logical_name.upper()}_BUCKET"] = name
    client("events").create_event_bus(Name=environment["BUS_NAME"])
    key = client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    environment["TOKEN_KEY_ID"] = key["KeyMetadata"]["KeyId"]
    secret = client("secretsmanager").create_secret(Name=CURSOR_SECRET, SecretString=json.dumps("not a secret"))
    environment["CURSOR_SECRET_ID"] = secret["ARN"]
    environment["QUEUE_URL"] = client("sqs").create_queue(QueueName="visionscope-test-queue")["QueueUrl"]
    environment["ANALYSIS_JOB_QUEUE"] = "visionscope-test-analysis"
    environment["ANALYSIS_JOB_DEFINITION"] = "visionscope-test-analysis"
    return environment


def _create_table(dynamodb: Any, name: str, *, indexed: bool) -> None:
    attributes = ["pk", "sk"]
    request: dict[str, Any] = {}
    if indexed:
        attributes += ["shard", "recorded_at"]
        request["GlobalSecondaryIndexes"] = [
            {
                "IndexName": "unpublished",
                "KeySchema": [
                    {"AttributeName": "shard", "KeyType": "HASH"},
                    {"AttributeName": "recorded_at", "KeyType": "RANGE"},
                ],
                "Projection": {"ProjectionType": "ALL"},
            }
        ]
    dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": one, "AttributeType": "S"} for one in attributes],
        **request,
    )
