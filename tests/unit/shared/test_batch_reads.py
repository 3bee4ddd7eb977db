from collections.abc import Mapping
from typing import Any

import pytest

from shared.aws.settings import Settings
from shared.kernel.errors import DependencyUnavailable
from shared.persistence.batch_reads import get_many
from shared.persistence.rows import DataRow
from shared.persistence.store import Store


class BusyDynamoDb:
    """Answers at most `capacity` keys of a call, like DynamoDB when it is busy or an answer gets large."""

    def __init__(self, capacity: int, stored: set[str]) -> None:
        self.capacity = capacity
        self.stored = stored
        self.calls = 0

    def batch_get_item(self, RequestItems: Mapping[str, Any]) -> dict[str, Any]:  # noqa: N803 - botocore's name
        self.calls += 1
        ((table, wanted),) = RequestItems.items()
        keys = wanted["Keys"]
        assert wanted["ConsistentRead"] is True
        assert 0 < len(keys) <= 100
        assert len({key["pk"]["S"] for key in keys}) == len(keys), "DynamoDB refuses a key that is asked for twice"
        read, left = keys[: self.capacity], keys[self.capacity :]
        # In no particular order, as DynamoDB answers.
        items = [{**key, "version": {"N": "1"}} for key in read[::-1] if key["pk"]["S"] in self.stored]
        unread = {table: {**wanted, "Keys": left}} if left else {}
        return {"Responses": {table: items}, "UnprocessedKeys": unread}


def read(dynamodb: BusyDynamoDb, *names: str) -> list[str | None]:
    store = Store(dynamodb, Settings({"DATA_TABLE": "data"}))
    rows = get_many(store, DataRow, [(name, "ROW") for name in names], sleep=lambda _: None)
    return [row.pk if row else None for row in rows]


def test_rows_come_in_the_order_of_their_keys_with_gaps_where_there_are_none() -> None:
    dynamodb = BusyDynamoDb(100, {"a", "b", "c"})
    assert read(dynamodb, "c", "x", "a", "c") == ["c", None, "a", "c"]
    assert read(dynamodb) == []
    assert dynamodb.calls == 1


def test_what_was_left_unread_is_asked_for_again() -> None:
    names = [f"row-{number}" for number in range(250)]
    dynamodb = BusyDynamoDb(40, set(names))
    assert read(dynamodb, *names) == names
    assert dynamodb.calls == 3 + 3 + 2


def test_a_database_that_stays_busy_is_an_outage() -> None:
    with pytest.raises(DependencyUnavailable):
        read(BusyDynamoDb(0, set()), "a")
