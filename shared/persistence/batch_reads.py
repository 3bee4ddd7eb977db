"""Reads many rows by their keys in few calls."""

import random
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from shared.kernel.errors import DependencyUnavailable
from shared.persistence.rows import Row, key_of
from shared.persistence.store import Store

R = TypeVar("R", bound=Row)

_KEYS_PER_CALL = 100
_ROUNDS = 5


def get_many(
    store: Store, row: type[R], keys: Sequence[tuple[str, str]], sleep: Callable[[float], None] = time.sleep
) -> list[R | None]:
    """The rows under `(pk, sk)` keys in their order, each read consistently; `None` where there is none.

    DynamoDB may leave some unread when an answer gets large or it is busy; they are asked for again. Raises
    `DependencyUnavailable` when it keeps doing so.
    """
    found: dict[tuple[str, str], R] = {}
    for start in range(0, len(keys), _KEYS_PER_CALL):
        _read(store, row, keys[start : start + _KEYS_PER_CALL], found, sleep)
    return [found.get(key) for key in keys]


def _read(
    store: Store,
    row: type[R],
    keys: Sequence[tuple[str, str]],
    found: dict[tuple[str, str], R],
    sleep: Callable[[float], None],
) -> None:
    table = store.settings.table(row.table)
    wanted = {table: {"Keys": [key_of(pk, sk) for pk, sk in dict.fromkeys(keys)], "ConsistentRead": True}}
    for attempt in range(_ROUNDS):
        if attempt:
            sleep(random.uniform(0, 0.02 * 2**attempt))
        answer = store.dynamodb.batch_get_item(RequestItems=wanted)
        for item in answer["Responses"].get(table, []):
            found[item["pk"]["S"], item["sk"]["S"]] = row.from_raw_data(item)
        wanted = answer.get("UnprocessedKeys") or {}
        if not wanted:
            return
    raise DependencyUnavailable("The database is busy.", retry_after_seconds=2)
