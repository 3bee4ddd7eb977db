"""A stage in the embedded emulator, and what a fault left of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import botocore.session
from botocore.config import Config

from infra.local.aws import REGION
from shared.aws.clients import MAX_ATTEMPTS
from shared.aws.settings import Settings
from shared.kernel.clock import Clock, SystemClock
from shared.kernel.ids import Uuid7
from shared.messaging.envelope import Envelope
from shared.messaging.outbox import OutboxItem
from shared.persistence.scope import Runtime
from tests.support.aws import _create_table
from tests.support.faults import Network

Item = dict[str, Any]
TABLES = ("data", "outbox", "audit", "ephemeral")


@dataclass(frozen=True)
class Emulator:
    url: str
    offset: Path

    def connect(self, service: str, *, attempts: int = MAX_ATTEMPTS) -> Any:
        """A client with the time limits and the retries of `shared.aws.clients`, without a shared connection pool."""
        session: Any = botocore.session.Session({"config_file": (None, None, None, None)})
        return session.create_client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(
                connect_timeout=2,
                read_timeout=10,
                retries={"mode": "standard", "total_max_attempts": attempts},
                max_pool_connections=64,
                proxies={},
            ),
        )

    @cached_property
    def dynamodb(self) -> Any:
        """Meets no faults: for what a test prepares and looks at."""
        return self.connect("dynamodb")

    def let_pass(self, seconds: float) -> None:
        """Move DynamoDB's time on."""
        self.offset.write_text(str(float(self.offset.read_text()) + seconds))


class Stage:
    def __init__(self, emulator: Emulator, name: str) -> None:
        self.emulator = emulator
        environment = {"STAGE": name, "BUS_NAME": "bus", "QUEUE_URL": f"{emulator.url}/000000000000/none"}
        for logical_name in TABLES:
            table = f"{name}-{logical_name}"
            _create_table(emulator.dynamodb, table, indexed=logical_name == "outbox")
            environment[f"{logical_name.upper()}_TABLE"] = table
        self.settings = Settings(environment)

    def runtime(
        self, network: Network | None = None, *, clock: Clock | None = None, clients: dict[str, Any] | None = None
    ) -> Runtime:
        """A process of this stage, behind a network. Its clients are made at once: threads share them."""
        made = dict(clients or {})
        if "dynamodb" not in made:
            made["dynamodb"] = self.emulator.connect("dynamodb") if network else self.emulator.dynamodb
        if network is not None:
            network.attach(made["dynamodb"])
        clock = clock or SystemClock()
        get: Callable[[str], Any] = made.__getitem__
        return Runtime(self.settings, clock, Uuid7(clock), get)

    def items(self, table: str) -> list[Item]:
        found: list[Item] = []
        request: dict[str, Any] = {"TableName": self.settings.table(table), "ConsistentRead": True}
        while True:
            answer = self.emulator.dynamodb.scan(**request)
            found += answer["Items"]
            if "LastEvaluatedKey" not in answer:
                return sorted(found, key=lambda item: (item["pk"]["S"], item["sk"]["S"]))
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]

    def events(self, detail_type: str | None = None) -> list[Envelope]:
        items = [OutboxItem.from_attributes(item) for item in self.items("outbox")]
        events = [event for item in items for event in item.events if event.destination is None]
        return [event for event in events if detail_type in (None, event.detail_type)]
