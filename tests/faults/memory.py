"""DynamoDB in memory, as far as the unit of work, the store and the last errors use it: thousands of cases a minute.

Serves the property tests only; test_memory.py holds it to what the emulator does.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from botocore.exceptions import ClientError

Value = Mapping[str, Any]
Item = dict[str, Any]
Key = tuple[str, str]

_TOKEN = re.compile(r"[#:]\w+|\w+|<=|>=|<>|[=<>(),]")
_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


class MemoryDynamoDb:
    """One account's tables; they exist from their first row on."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[Key, Item]] = {}
        self._tokens: dict[str, str] = {}

    def copy(self) -> "MemoryDynamoDb":
        """Items are replaced and never changed, so they can be shared."""
        other = MemoryDynamoDb()
        other.tables = {name: dict(items) for name, items in self.tables.items()}
        return other

    def items(self, table: str) -> list[Item]:
        return [item for _, item in sorted(self.tables.get(table, {}).items())]

    def get_item(self, **request: Any) -> dict[str, Any]:
        item = self.tables.get(request["TableName"], {}).get(_key(request["Key"]))
        return {} if item is None else {"Item": item}

    def query(self, **request: Any) -> dict[str, Any]:
        assert "ExclusiveStartKey" not in request
        assert "IndexName" not in request
        expression = _Expression(request, request["KeyConditionExpression"])
        found = [item for item in self.items(request["TableName"]) if expression.holds(item)]
        assert len(found) <= request["Limit"], "pages aren't made here"
        return {"Items": found if request["ScanIndexForward"] else found[::-1]}

    def update_item(self, **request: Any) -> dict[str, Any]:
        self._write("Update", request)
        return {}

    def transact_write_items(self, **request: Any) -> dict[str, Any]:
        token, wanted = request["ClientRequestToken"], json.dumps(request["TransactItems"], sort_keys=True)
        if token in self._tokens:
            if self._tokens[token] != wanted:
                raise _error("IdempotentParameterMismatchException", "TransactWriteItems")
            return {}
        actions = [next(iter(action.items())) for action in request["TransactItems"]]
        reasons = ["None" if self._allowed(action) else "ConditionalCheckFailed" for _, action in actions]
        if set(reasons) != {"None"}:
            raise _error(
                "TransactionCanceledException",
                "TransactWriteItems",
                CancellationReasons=[{"Code": reason} for reason in reasons],
            )
        for kind, action in actions:
            self._write(kind, action)
        self._tokens[token] = wanted
        return {}

    def _allowed(self, action: Mapping[str, Any]) -> bool:
        condition = action.get("ConditionExpression")
        stored = self.tables.get(action["TableName"], {}).get(_key(action.get("Key") or action["Item"]))
        return condition is None or _Expression(action, condition).holds(stored or {})

    def _write(self, kind: str, action: Mapping[str, Any]) -> None:
        items = self.tables.setdefault(action["TableName"], {})
        match kind:
            case "Put":
                items[_key(action["Item"])] = copy.deepcopy(action["Item"])
            case "Delete":
                items.pop(_key(action["Key"]), None)
            case "Update":
                key = _key(action["Key"])
                items[key] = _updated({**action["Key"], **items.get(key, {})}, action)


def _key(item: Item) -> Key:
    return item["pk"]["S"], item["sk"]["S"]


def _error(code: str, operation: str, **members: object) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": ""}, **members}
    return ClientError(answer, operation)


def _plain(value: Value) -> Any:
    ((kind, plain),) = value.items()
    return Decimal(plain) if kind == "N" else plain


class _Expression:
    """A condition: `OR`, `AND`, comparisons, `attribute_exists`, `attribute_not_exists` and `begins_with`."""

    def __init__(self, request: Mapping[str, Any], text: str) -> None:
        self._names: Mapping[str, str] = request.get("ExpressionAttributeNames", {})
        self._values: Mapping[str, Value] = request.get("ExpressionAttributeValues", {})
        self._text = text
        self._tokens: list[str] = []

    def holds(self, item: Item) -> bool:
        self._tokens = _TOKEN.findall(self._text)[::-1]
        result = self._either(item)
        assert not self._tokens, self._text
        return result

    def _next(self, expected: str | None = None) -> str:
        token = self._tokens.pop()
        assert expected in (None, token), self._text
        return token

    def _either(self, item: Item) -> bool:
        result = self._both(item)
        while self._tokens and self._tokens[-1] == "OR":
            self._next()
            result = self._both(item) or result
        return result

    def _both(self, item: Item) -> bool:
        result = self._one(item)
        while self._tokens and self._tokens[-1] == "AND":
            self._next()
            result = self._one(item) and result
        return result

    def _one(self, item: Item) -> bool:
        token = self._next()
        if token == "(":
            result = self._either(item)
            self._next(")")
            return result
        if token in ("attribute_exists", "attribute_not_exists"):
            self._next("(")
            found = self._operand(self._next(), item) is not None
            self._next(")")
            return found is (token == "attribute_exists")
        if token == "begins_with":
            self._next("(")
            value = self._operand(self._next(), item)
            self._next(",")
            prefix = self._operand(self._next(), item)
            self._next(")")
            return value is not None and _plain(value).startswith(_plain(prefix or {"S": ""}))
        one, comparison, other = self._operand(token, item), self._next(), self._operand(self._next(), item)
        if one is None or other is None or one.keys() != other.keys():
            return comparison == "<>"
        return _COMPARISONS[comparison](_plain(one), _plain(other))

    def _operand(self, token: str, item: Item) -> Value | None:
        return self._values[token] if token.startswith(":") else item.get(self._names.get(token, token))


def _updated(item: Item, action: Mapping[str, Any]) -> Item:
    """`SET` of a value or `if_not_exists`, `ADD` to a number, `REMOVE`."""
    names: Mapping[str, str] = action.get("ExpressionAttributeNames", {})
    values: Mapping[str, Value] = action.get("ExpressionAttributeValues", {})
    before = dict(item)
    for clause, change in _changes(action["UpdateExpression"]):
        name = names.get(change[0], change[0])
        match [clause, *change[1:]]:
            case ["REMOVE"]:
                item.pop(name, None)
            case ["ADD", value]:
                total = Decimal(item.get(name, {"N": "0"})["N"]) + Decimal(values[value]["N"])
                item[name] = {"N": str(total)}
            case ["SET", "=", "if_not_exists", "(", other, ",", value, ")"]:
                item[name] = before.get(names.get(other, other), values[value])
            case ["SET", "=", value]:
                item[name] = values[value]
            case _:
                raise NotImplementedError(action["UpdateExpression"])
    return item


def _changes(expression: str) -> Iterator[tuple[str, list[str]]]:
    clause, change, depth = "", list[str](), 0
    for token in [*_TOKEN.findall(expression), "END"]:
        if token in ("SET", "ADD", "REMOVE", "END") or (token == "," and depth == 0):
            if change:
                yield clause, change
            change = []
            clause = clause if token == "," else token
            continue
        depth += {"(": 1, ")": -1}.get(token, 0)
        change.append(token)
