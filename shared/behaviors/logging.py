"""One log line per message: what, for whom (ids only), how it ended, how long it took; and its metrics in that line.

Per service and operation: `Duration`; one of `Successes`, `Failures` (refused with reason) and `Faults` (ours to mend);
`SlowRuns`. What didn't happen is left out, which CloudWatch counts as none.
"""

import time
from typing import Any

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread, operation
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result
from shared.observability.logger import log
from shared.observability.metrics import embedded

_FAULTS = frozenset({"internal-error", "dependency-unavailable"})


class Logging:
    """`slow_after_ms`: a longer run is logged as slow. `namespace` is that of the metrics."""

    def __init__(self, slow_after_ms: int, namespace: str) -> None:
        self._slow_after_ms = slow_after_ms
        self._namespace = namespace

    def __call__(self, proceed: Proceed) -> Proceed:
        def logged(message: Message | Unread, context: Context) -> Result[Any]:
            started = time.perf_counter()
            result = proceed(message, context)
            self._log(message, context, result, round((time.perf_counter() - started) * 1000, 1))
            return result

        return logged

    def _log(self, message: Message | Unread, context: Context, result: Result[Any], duration_ms: float) -> None:
        outcome = result.error.code if isinstance(result, Failure) else "success"
        slow = duration_ms > self._slow_after_ms
        metrics = {"Duration": (duration_ms, "Milliseconds"), _counter(outcome): (1, "Count")}
        if slow:
            metrics["SlowRuns"] = (1, "Count")
        fields = {
            "operation": operation(message),
            "outcome": outcome,
            "duration_ms": duration_ms,
            "slow": slow,
            "message_id": context.message_id,
            "correlation_id": context.correlation_id,
            "workspace_id": context.workspace_id,
            "actor": None if isinstance(context.principal, Anonymous) else context.principal.actor,
            "replayed": context.answered_before,
            **embedded(self._namespace, metrics),
        }
        if slow:
            log().warning("handled slowly", extra=fields)
        else:
            log().info("handled", extra=fields)


def _counter(outcome: str) -> str:
    if outcome == "success":
        return "Successes"
    return "Faults" if outcome in _FAULTS else "Failures"
