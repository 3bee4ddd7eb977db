"""Consistent reads of rows over the process' one DynamoDB client."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from shared.aws.settings import Settings
from shared.persistence.rows import Row, key_of

R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    rows: Sequence[R]
    last_sk: str | None
    """Where to go on, `None` at the end."""


class Store:
    """Reads rows. Nothing here writes: writing is the unit of work's."""

    def __init__(self, dynamodb: Any, settings: Settings) -> None:
        self.dynamodb = dynamodb
        self.settings = settings

    def get(self, row: type[R], pk: str, sk: str) -> R | None:
        """One row by its key, read consistently; `None` where there is none."""
        answer = self.dynamodb.get_item(
            TableName=self.settings.table(row.table), Key=key_of(pk, sk), ConsistentRead=True
        )
        item = answer.get("Item")
        return row.from_raw_data(item) if item else None

    def page(
        self,
        row: type[R],
        pk: str,
        sk_prefix: str = "",
        *,
        after: str | None = None,
        before: str | None = None,
        limit: int = 100,
        newest_first: bool = False,
    ) -> Page[R]:
        """At most `limit` rows of a partition whose sort key starts with `sk_prefix`, in key order.

        `after` goes on behind a sort key (in the direction of the walk); `before` ends in front of one.
        """
        condition, values = "pk = :pk", {":pk": {"S": pk}}
        if before is not None:
            condition += " AND sk < :before"
            values[":before"] = {"S": before}
        elif sk_prefix:
            condition += " AND begins_with(sk, :prefix)"
            values[":prefix"] = {"S": sk_prefix}
        request: dict[str, Any] = {
            "TableName": self.settings.table(row.table),
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": values,
            "ConsistentRead": True,
            "ScanIndexForward": not newest_first,
            "Limit": limit,
        }
        if after is not None:
            request["ExclusiveStartKey"] = key_of(pk, after)
        answer = self.dynamodb.query(**request)
        last = answer.get("LastEvaluatedKey")
        return Page([row.from_raw_data(item) for item in answer["Items"]], last["sk"]["S"] if last else None)

    def all(self, row: type[R], pk: str, sk_prefix: str = "") -> Iterator[R]:
        """Every row of a partition whose sort key starts with `sk_prefix`, page by page."""
        after: str | None = None
        while True:
            page = self.page(row, pk, sk_prefix, after=after)
            yield from page.rows
            if page.last_sk is None:
                return
            after = page.last_sk
