# pyright: strict, reportUnnecessaryTypeIgnoreComment=true
"""What the type checkers must accept, and what they must refuse.

A line that must be refused says so to each checker. Should a checker come to accept it, it reports the comment as
unneeded, in the project's own run as in the test beside this file.
"""

from collections.abc import Callable

from shared.cqrs.mediator import Mediator
from shared.cqrs.messages import Command, Query
from shared.cqrs.pipeline import Context
from shared.cqrs.policy import Policy
from shared.http.endpoint import command, query
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope, WriteScope


class CountFences(Query[int]): ...


class PaintFence(Command[str]):
    colour: str


def the_answer_follows_from_the_message(mediator: Mediator, context: Context) -> None:
    counted: Result[int] = mediator.ask(CountFences(), context)
    painted: Result[str] = mediator.send(PaintFence(colour="red"), context)
    wrong_count: Result[str] = mediator.ask(CountFences(), context)  # type: ignore[arg-type]
    wrong_paint: Result[int] = mediator.send(PaintFence(colour="red"), context)  # type: ignore[arg-type]
    print(counted, painted, wrong_count, wrong_paint)


def an_answer_is_looked_into_after_asking_whether_there_is_one(mediator: Mediator, context: Context) -> int:
    result = mediator.ask(CountFences(), context)
    print(result.value)  # type: ignore[union-attr]
    return 0 if isinstance(result, Failure) else result.value


def a_command_is_sent_and_a_query_asked(mediator: Mediator, context: Context) -> None:
    mediator.send(CountFences(), context)  # type: ignore[arg-type]
    mediator.ask(PaintFence(colour="red"), context)  # type: ignore[arg-type]
    mediator.send(PaintFence(color="red"), context)  # type: ignore[call-arg]


def count(_query: CountFences) -> Result[int]:
    return Success(3)


def count_as_text(_query: CountFences) -> Result[int]:
    return Success("three")  # type: ignore[arg-type]


def build_count(_scope: ReadScope) -> Callable[[CountFences], Result[int]]:
    return count


def build_paint(_scope: WriteScope) -> Callable[[PaintFence], Result[str]]:
    return lambda command: Success(command.colour)


def a_handler_takes_the_message_that_is_declared_with_it() -> None:
    query("/v1/fences", CountFences, build_count, policy=Policy(public=True), summary="Count")
    command("POST", "/v1/fences", PaintFence, build_paint, status=201, policy=Policy(), summary="Paint")
    query("/v1/fences", PaintFence, build_count, policy=Policy(), summary="Wrong")  # type: ignore[arg-type]
    query("/v1/fences", CountFences, build_paint, policy=Policy(), summary="Wrong")  # type: ignore[arg-type]
