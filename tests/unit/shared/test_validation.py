from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from pydantic import BaseModel

from shared.behaviors.validation import Validation
from shared.cqrs.messages import Command, Query
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


def validate(message_type: type[Order] | type[FindOrders], fields: Mapping[str, object]) -> DomainError | None:
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
