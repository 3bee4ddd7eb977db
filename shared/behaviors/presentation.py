"""Turns a handler's answer into what is shown, at every answer: a replayed one has its links signed anew."""

from collections.abc import Callable
from typing import Any

from shared.cqrs.pipeline import Invocation, Proceed
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope, Runtime


class Presentation:
    def __init__(self, present: Callable[[ReadScope, Any], object], runtime: Runtime) -> None:
        self._present = present
        self._runtime = runtime

    def __call__(self, invocation: Invocation, proceed: Proceed) -> Result[Any]:
        result = proceed(invocation)
        if isinstance(result, Failure):
            return result
        return Success(self._present(ReadScope(self._runtime, invocation.context), result.value))
