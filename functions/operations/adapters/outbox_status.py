"""How far publishing lags behind, by the sparse index that holds what is unpublished."""

from dataclasses import dataclass
from typing import Any

from shared.messaging.outbox import SHARDS
from shared.persistence.scope import Runtime

_MAX_PAGES = 8
"""Of a shard, 1 MB each: a backlog can be larger than a request has time to count."""


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    unpublished: int
    is_complete: bool
    """Whether that is all, or there are more."""
    oldest_recorded_at: str | None


def read_outbox_status(runtime: Runtime) -> OutboxStatus:
    dynamodb = runtime.client("dynamodb")
    unpublished, is_complete = 0, True
    oldest: list[str] = []
    for shard in range(SHARDS):
        request: dict[str, Any] = {
            "TableName": runtime.settings.table("outbox"),
            "IndexName": "unpublished",
            "KeyConditionExpression": "#shard = :shard",
            "ExpressionAttributeNames": {"#shard": "shard"},
            "ExpressionAttributeValues": {":shard": {"S": str(shard)}},
        }
        first = dynamodb.query(**request, Limit=1)
        oldest += [item["recorded_at"]["S"] for item in first["Items"]]
        unpublished += len(first["Items"])
        for _ in range(_MAX_PAGES):
            if "LastEvaluatedKey" not in first:
                break
            first = dynamodb.query(**request, Select="COUNT", ExclusiveStartKey=first["LastEvaluatedKey"])
            unpublished += first["Count"]
        is_complete = is_complete and "LastEvaluatedKey" not in first
    return OutboxStatus(unpublished, is_complete, min(oldest, default=None))
