"""Turns a handler's answer into what is shown, at every answer: a replayed one has its links signed anew."""

from collections.abc import Callable
from typing import Any

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope, Runtime


class Presentation:
    def __init__(self, present: Callable[[ReadScope, Any], object], runtime: Runtime) -> None:
        self._present = present
        self._runtime = runtime

    def __call__(self, proceed: Proceed) -> Proceed:
        def presented(message: Message | Unread, context: Context) -> Result[Any]:
            result = proceed(message, context)
            if isinstance(result, Failure):
                return result
            return Success(self._present(ReadScope(self._runtime, context), result.value))

        return presented
