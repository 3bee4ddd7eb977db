from datetime import datetime

from functions.entry import http_function
from functions.operations.adapters.outbox_status import read_outbox_status
from functions.resources import OUTBOX_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class OutboxView(View):
    """`unpublished` counts transactions whose events aren't published yet; `is_complete` is false where it counts a
    part of a large backlog only. `lag_ms` is the age of the oldest.
    """

    unpublished: int
    is_complete: bool
    oldest_recorded_at: str | None
    lag_ms: int
    as_of: str


class GetOutbox(Query[OutboxView]):
    """How far publishing lags behind."""


class GetOutboxHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetOutbox) -> Result[OutboxView]:
        now = self._scope.runtime.clock.now()
        status = read_outbox_status(self._scope.runtime)
        oldest = status.oldest_recorded_at
        lag = (now - datetime.fromisoformat(oldest)).total_seconds() if oldest else 0
        return Success(
            OutboxView(
                unpublished=status.unpublished,
                is_complete=status.is_complete,
                oldest_recorded_at=oldest,
                lag_ms=max(0, round(lag * 1000)),
                as_of=rfc3339(now),
            )
        )


def build(scope: ReadScope) -> GetOutboxHandler:
    return GetOutboxHandler(scope)


ENDPOINT = query(
    "/v1/admin/outbox",
    GetOutbox,
    build,
    policy=Policy(administrators=True),
    summary="What the outbox holds unpublished",
    needs=FunctionNeeds(grants=(OUTBOX_READ,)),
)
lambda_handler = http_function(ENDPOINT)
