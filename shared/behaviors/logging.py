"""One log line and one set of metrics per message: what, for whom (ids only), how it ended, how long it took."""

import time
from typing import Any

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread, operation
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result
from shared.observability.logger import log


class Logging:
    def __init__(self, slow_after_ms: int) -> None:
        self._slow_after_ms = slow_after_ms

    def __call__(self, proceed: Proceed) -> Proceed:
        def logged(message: Message | Unread, context: Context) -> Result[Any]:
            started = time.perf_counter()
            result = proceed(message, context)
            self._log(message, context, result, round((time.perf_counter() - started) * 1000, 1))
            return result

        return logged

    def _log(self, message: Message | Unread, context: Context, result: Result[Any], duration_ms: float) -> None:
        slow = duration_ms > self._slow_after_ms
        fields = {
            "operation": operation(message),
            "outcome": result.error.code if isinstance(result, Failure) else "success",
            "duration_ms": duration_ms,
            "slow": slow,
            "message_id": context.message_id,
            "correlation_id": context.correlation_id,
            "workspace_id": context.workspace_id,
            "actor": None if isinstance(context.principal, Anonymous) else context.principal.actor,
            "replayed": context.answered_before,
        }
        if slow:
            log().warning("handled slowly", extra=fields)
        else:
            log().info("handled", extra=fields)
