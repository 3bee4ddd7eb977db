"""Sends a message to its one handler, through its behaviors; typed by the message.

`send(command)` of a `Command[R]` returns `Result[R]`, and `ask(query)` of a `Query[R]` likewise.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from shared.cqrs.messages import Command, Message, Query
from shared.cqrs.pipeline import Behavior, Context, Proceed, Unread, chain
from shared.kernel.result import Result

R = TypeVar("R")
C = TypeVar("C", bound=Message)


class Mediator:
    def __init__(self) -> None:
        self._behaviors: list[Behavior] = []
        self._handlers: dict[type[Message], Proceed] = {}
        self._chains: dict[type[Message], Proceed] = {}

    def add_behavior(self, behavior: Behavior) -> None:
        """Put a behavior around every handler, within those that were added before."""
        self._behaviors.append(behavior)
        self._chains = {message: chain(self._behaviors, handle) for message, handle in self._handlers.items()}

    def register(
        self, message_type: type[C], handle: Callable[[C, Context], Result[Any]], behaviors: Sequence[Behavior] = ()
    ) -> None:
        """Register the one handler of a message type, with behaviors that it has besides those of all.

        Raises `ValueError` for a second one.
        """
        if message_type in self._handlers:
            raise ValueError(f"{message_type.__name__} has a handler already; a message has exactly one")
        self._handlers[message_type] = chain(behaviors, handle)
        self._chains[message_type] = chain(self._behaviors, self._handlers[message_type])

    def send(self, command: Command[R], context: Context) -> Result[R]:
        """Raises `LookupError` where no handler is registered, like `ask` and `dispatch`."""
        try:
            proceed = self._chains[type(command)]
        except KeyError:
            raise _nobody_handles(type(command)) from None
        return proceed(command, context)

    def ask(self, query: Query[R], context: Context) -> Result[R]:
        try:
            proceed = self._chains[type(query)]
        except KeyError:
            raise _nobody_handles(type(query)) from None
        return proceed(query, context)

    def dispatch(self, message: Unread, context: Context) -> Result[Any]:
        """Send or ask what isn't parsed yet; a behavior has to do that."""
        try:
            proceed = self._chains[message.type]
        except KeyError:
            raise _nobody_handles(message.type) from None
        return proceed(message, context)


def _nobody_handles(message_type: type[Message]) -> LookupError:
    name = message_type.__name__
    return LookupError(f"no handler for {name}: call register({name}, handler) first")
