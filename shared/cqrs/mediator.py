"""Sends a message to its one handler, through its behaviors; typed by the message.

`send(command)` of a `Command[R]` returns `Result[R]`, and `ask(query)` of a `Query[R]` likewise.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.cqrs.messages import Command, Message, Query
from shared.cqrs.pipeline import Behavior, Context, Invocation, Proceed, chain
from shared.kernel.result import Result

R = TypeVar("R")
C = TypeVar("C", bound=Message)


class Mediator:
    def __init__(self) -> None:
        self._chains: dict[type[Message], Proceed] = {}

    def register(
        self, message_type: type[C], handle: Callable[[C, Context], Result[Any]], behaviors: Sequence[Behavior] = ()
    ) -> None:
        """Register the one handler of a message type. Raises `ValueError` for a second one."""

        def innermost(invocation: Invocation) -> Result[Any]:
            if not isinstance(invocation.message, message_type):
                raise TypeError(f"{message_type.__name__} reached its handler without being validated")
            return handle(invocation.message, invocation.context)

        self.register_chain(message_type, chain(behaviors, innermost))

    def register_chain(self, message_type: type[Message], proceed: Proceed) -> None:
        if message_type in self._chains:
            raise ValueError(f"{message_type.__name__} has a handler already; a message has exactly one")
        self._chains[message_type] = proceed

    def send(self, command: Command[R], context: Context) -> Result[R]:
        return self.dispatch(Invocation(type(command), context, message=command))

    def ask(self, query: Query[R], context: Context) -> Result[R]:
        return self.dispatch(Invocation(type(query), context, message=query))

    def dispatch(self, invocation: Invocation) -> Result[Any]:
        """Run a message that isn't parsed yet. Raises `LookupError` where no handler is registered."""
        try:
            proceed = self._chains[invocation.message_type]
        except KeyError:
            name = invocation.message_type.__name__
            raise LookupError(f"no handler for {name}: call register({name}, handler) first") from None
        return proceed(invocation)
