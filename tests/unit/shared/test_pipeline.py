from datetime import UTC, datetime
from typing import Any

import pytest

from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import Command, Query, answer_type
from shared.cqrs.pipeline import Context, Invocation, Proceed
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

    def __call__(self, invocation: Invocation, proceed: Proceed) -> Result[Any]:
        self._notes.append(f"{self._name} in")
        result = proceed(invocation)
        self._notes.append(f"{self._name} out")
        return result


class Refusing:
    def __call__(self, invocation: Invocation, proceed: Proceed) -> Result[Any]:
        return Failure(Conflict("no"))


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
    mediator.register(Add, add, [Refusing()])
    assert mediator.send(Add(left=1, right=2), CONTEXT) == Failure(Conflict("no"))


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
