from datetime import UTC, datetime
from typing import Any

import pytest

from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import Command, Message, Query, answer_type
from shared.cqrs.pipeline import Context, Proceed, Unread, raw_fields
from shared.kernel.errors import Conflict
from shared.kernel.result import Failure, Result, Success

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONTEXT = Context(message_id="m", correlation_id="c", received_at=NOW, deadline=NOW)


class Add(Command[int]):
    left: int
    right: int


class GetNothing(Query[None]): ...


class Noting:
    def __init__(self, name: str, notes: list[str]) -> None:
        self._name, self._notes = name, notes

    def __call__(self, proceed: Proceed) -> Proceed:
        def noted(message: Message, context: Context) -> Result[Any]:
            self._notes.append(f"{self._name} in")
            result = proceed(message, context)
            self._notes.append(f"{self._name} out")
            return result

        return noted


def refusing(_proceed: Proceed) -> Proceed:
    return lambda _message, _context: Failure(Conflict("no"))


def add(command: Add, _context: Context) -> Result[int]:
    return Success(command.left + command.right)


def test_behaviors_run_around_the_handler_in_their_order() -> None:
    notes: list[str] = []
    mediator = Mediator()
    mediator.register(Add, add, [Noting("outer", notes), Noting("inner", notes)])
    assert mediator.send(Add(left=1, right=2), CONTEXT) == Success(3)
    assert notes == ["outer in", "inner in", "inner out", "outer out"]


def test_a_behavior_that_answers_keeps_the_message_from_the_handler() -> None:
    mediator = Mediator()
    mediator.register(Add, add, [refusing])
    assert mediator.send(Add(left=1, right=2), CONTEXT) == Failure(Conflict("no"))


def test_what_is_added_for_all_stands_around_what_one_message_has() -> None:
    notes: list[str] = []
    mediator = Mediator()
    mediator.add_behavior(Noting("first", notes))
    mediator.register(Add, add, [Noting("own", notes)])
    mediator.add_behavior(Noting("second", notes))
    mediator.register(GetNothing, lambda _query, _context: Success(None))
    mediator.send(Add(left=1, right=2), CONTEXT)
    assert notes == ["first in", "second in", "own in", "own out", "second out", "first out"]
    notes.clear()
    mediator.ask(GetNothing(), CONTEXT)
    assert notes == ["first in", "second in", "second out", "first out"]


def test_what_is_not_parsed_yet_finds_its_handler_too() -> None:
    def parsing(proceed: Proceed) -> Proceed:
        return lambda unread, context: proceed(unread.type.model_validate(raw_fields(unread)), context)

    mediator = Mediator()
    mediator.register(Add, add, [parsing])
    assert mediator.dispatch(Unread(Add, lambda: {"left": 1, "right": 2}), CONTEXT) == Success(3)
    with pytest.raises(LookupError, match="GetNothing"):
        mediator.dispatch(Unread(GetNothing, dict), CONTEXT)


def test_a_message_has_exactly_one_handler() -> None:
    mediator = Mediator()
    with pytest.raises(LookupError, match=r"register\(Add, handler\)"):
        mediator.send(Add(left=1, right=2), CONTEXT)
    mediator.register(Add, add)
    with pytest.raises(ValueError, match="exactly one"):
        mediator.register(Add, add)


def test_the_type_of_the_answer_follows_from_the_message() -> None:
    assert answer_type(Add) is int
    assert answer_type(GetNothing) in (None, type(None))
