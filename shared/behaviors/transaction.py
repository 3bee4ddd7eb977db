"""Runs the handler inside a unit of work and commits it: the innermost step of every command.

A handler decides on what it read. Where a row changed meanwhile the whole attempt is thrown away and the handler
decides anew on fresh reads, a bounded number of times; then the caller gets a conflict.
"""

import random
import time
from collections.abc import Callable
from typing import Any

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context
from shared.kernel.errors import Conflict
from shared.kernel.result import Failure, Result
from shared.persistence.unit_of_work import Refused, StaleRead, UnitOfWork

_ATTEMPTS = 6


class Transaction:
    def __init__(
        self,
        begin: Callable[[Context], UnitOfWork],
        handle: Callable[[Message, Context, UnitOfWork], Result[Any]],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._begin = begin
        self._handle = handle
        self._sleep = sleep

    def __call__(self, message: Message, context: Context) -> Result[Any]:
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._sleep(random.uniform(0, 0.02 * 2**attempt))
            uow = self._begin(context)
            result = self._handle(message, context, uow)
            if isinstance(result, Failure):
                return result
            for committing in context.committing:
                committing(uow, result.value)
            try:
                uow.commit()
            except StaleRead:
                continue
            except Refused as refused:
                return Failure(refused.error)
            return result
        return Failure(Conflict("Others kept changing this at the same time. Try again."))
