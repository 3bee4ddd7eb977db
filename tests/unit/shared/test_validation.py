import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal
from uuid import UUID

import pytest
from pydantic import AfterValidator, BaseModel, Field, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from shared.behaviors.validation import MAX_ERRORS, Validation, pointer
from shared.cqrs.messages import Command, Message, Query
from shared.cqrs.pipeline import Context, Unread
from shared.kernel.errors import DomainError, FieldError, MalformedRequest, NotFound, ValidationFailed
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Success

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Line(BaseModel):
    quantity: int


class Order(Command[None]):
    order_id: Uuid
    lines: list[Line] = []
    note: str = ""

    def rules(self) -> Iterable[FieldError]:
        if self.note == "loud" and not self.lines:
            yield FieldError("/note", "needs-lines", "A loud order has lines")


class FindOrders(Query[None]):
    limit: int


class Card(BaseModel):
    kind: Literal["card"]
    number: int


class Cash(BaseModel):
    kind: Literal["cash"]
    amount: int


class Period(BaseModel):
    start: int
    end: int

    @model_validator(mode="after")
    def ordered(self) -> "Period":
        if self.end < self.start:
            raise PydanticCustomError("ends_early", "A period ends after its start")
        return self


class Pay(Command[None]):
    by: Annotated[Card | Cash, Field(discriminator="kind")] | None = None
    with_any: Card | Cash | None = None
    amounts: int | list[int] = 0
    notes: dict[str, list[str]] = {}
    pair: tuple[int, int] | None = None
    period: Period | None = None
    reference: UUID | None = None
    number: Annotated[str, AfterValidator(lambda text: str(int(text)))] = "1"
    password: Annotated[SecretStr, Field(min_length=8, max_length=12)] | None = None

    @model_validator(mode="after")
    def not_twice(self) -> "Pay":
        if self.by and self.with_any:
            raise PydanticCustomError("paid_twice", "One payment is enough")
        return self


def validate(message_type: type[Message], fields: Mapping[str, object]) -> DomainError | None:
    path = frozenset({"order_id"})
    context = Context(message_id="m", correlation_id="c", received_at=NOW, deadline=NOW, path_fields=path)
    validated = Validation()(lambda _message, _context: Success(None))
    result = validated(Unread(message_type, lambda: fields), context)
    return result.error if isinstance(result, Failure) else None


ORDER_ID = "01a1fd78-c523-7001-8744-4c78afed3a73"


def test_every_broken_field_is_told_by_its_json_pointer() -> None:
    error = validate(Order, {"order_id": ORDER_ID, "lines": [{"quantity": 1}, {"quantity": "2"}], "a/b~": 1})
    assert isinstance(error, ValidationFailed)
    assert {(one.pointer, one.code) for one in error.errors} == {
        ("/lines/1/quantity", "int-type"),
        ("/a~1b~0", "extra-forbidden"),
    }


def test_a_path_that_names_no_possible_resource_is_not_found() -> None:
    assert validate(Order, {"order_id": "7"}) == NotFound()


def test_rules_across_fields_are_applied_after_parsing() -> None:
    error = validate(Order, {"order_id": ORDER_ID, "note": "loud"})
    assert isinstance(error, ValidationFailed)
    assert [one.pointer for one in error.errors] == ["/note"]
    assert validate(Order, {"order_id": ORDER_ID, "note": "loud", "lines": [{"quantity": 1}]}) is None


def test_a_query_takes_its_numbers_as_text() -> None:
    assert validate(FindOrders, {"limit": "5"}) is None
    assert isinstance(validate(FindOrders, {"limit": "five"}), ValidationFailed)


def test_text_that_is_no_unicode_is_malformed() -> None:
    assert isinstance(validate(Order, {"order_id": ORDER_ID, "note": "\ud800"}), MalformedRequest)


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"by": {"kind": "card"}}, {"/by/number"}),
        ({"by": {"kind": "cash", "amount": "1"}}, {"/by/amount"}),
        ({"by": {"kind": "gold"}}, {"/by"}),
        ({"by": {}}, {"/by"}),
        ({"with_any": {"kind": "card", "number": "1"}}, {"/with_any/number", "/with_any/kind", "/with_any/amount"}),
        ({"with_any": 5}, {"/with_any"}),
        ({"amounts": "1"}, {"/amounts"}),
        ({"amounts": {}}, {"/amounts"}),
        ({"amounts": [1, "2"]}, {"/amounts", "/amounts/1"}),
        ({"notes": {"~1": ["a", 1], "a/b": 1, "": [2]}}, {"/notes/~01/1", "/notes/a~1b", "/notes//0"}),
        ({"pair": [1]}, {"/pair/1"}),
        ({"period": {"start": 2, "end": 1}}, {"/period"}),
        ({"by": {"kind": "card", "number": 1}, "with_any": {"kind": "card", "number": 1}}, {""}),
        ({"x" * 100_000: 1}, {""}),
    ],
)
def test_a_pointer_leads_through_what_was_sent(fields: Mapping[str, object], pointers: set[str]) -> None:
    error = validate(Pay, fields)
    assert isinstance(error, ValidationFailed)
    assert {one.pointer for one in error.errors} == pointers


def test_pointers_are_written_as_rfc_6901_says() -> None:
    # The examples of its section 5.
    examples: dict[str, list[str | int]] = {
        "": [],
        "/foo": ["foo"],
        "/foo/0": ["foo", 0],
        "/": [""],
        "/a~1b": ["a/b"],
        "/c%d": ["c%d"],
    }
    more: dict[str, list[str | int]] = {
        "/i\\j": ["i\\j"],
        '/k"l': ['k"l'],
        "/ ": [" "],
        "/m~0n": ["m~n"],
        "/~01": ["~1"],
    }
    assert {text: pointer(steps) for text, steps in (examples | more).items()} == {one: one for one in examples | more}


def test_a_thousand_errors_are_told_in_part() -> None:
    error = validate(Pay, {"amounts": ["x"] * 1000})
    assert isinstance(error, ValidationFailed)
    assert (len(error.errors), "1001 invalid fields" in error.detail) == (MAX_ERRORS, True)
    assert len(json.dumps(error.members())) < 20_000


@pytest.mark.parametrize(
    "field", ["password", "reference", "number", "by", "with_any", "amounts", "notes", "pair", "period"]
)
@pytest.mark.parametrize("secret", ["hunter2!hunter2!", "hunter"])
def test_no_value_is_repeated(field: str, secret: str) -> None:
    wrong: list[object] = [secret, [secret], {"kind": secret}]
    for value in wrong:
        error = validate(Pay, {field: value})
        if field == "notes" and isinstance(value, dict):
            continue  # `kind` is a note here; its name is told, as that of every field.
        assert isinstance(error, ValidationFailed), value
        assert "hunter" not in json.dumps([error.detail, error.members()])
