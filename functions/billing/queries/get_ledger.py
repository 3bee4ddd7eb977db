from pydantic import Field

from functions.billing.adapters.rows import LedgerRow, ledger_partition
from functions.entry import http_function
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class LedgerEntry(View):
    """One movement of credits: its effect on what can be spent and on what is held."""

    entry_id: str
    kind: str
    feature_code: str
    balance_change: int
    held_change: int
    reference: str
    recorded_at: str


class LedgerPage(View):
    items: list[LedgerEntry]
    next_cursor: str | None
    as_of: str


class GetLedger(Query[LedgerPage]):
    workspace_id: Uuid
    limit: int = Field(default=20, ge=1, le=100)
    cursor: str | None = Field(default=None, max_length=1024)


class GetLedgerHandler:
    """Reads the ledger itself: it is append-only and sorted, so a read model would only be a later copy of it."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: GetLedger) -> Result[LedgerPage]:
        walk = f"ledger:{query.workspace_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = self._scope.store.page(
            LedgerRow, ledger_partition(query.workspace_id), after=after, limit=query.limit, newest_first=True
        )
        return Success(
            LedgerPage(
                items=[
                    LedgerEntry(
                        entry_id=row.sk,
                        kind=row.kind,
                        feature_code=row.feature_code,
                        balance_change=int(row.balance_change),
                        held_change=int(row.held_change),
                        reference=row.reference,
                        recorded_at=row.recorded_at,
                    )
                    for row in page.rows
                ],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )


def build(scope: ReadScope) -> GetLedgerHandler:
    return GetLedgerHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/ledger",
    GetLedger,
    build,
    policy=Policy(permission="ledger:read"),
    summary="Every movement of credits, newest first",
    needs=FunctionNeeds(grants=(CURSOR_SECRET,)),
)
lambda_handler = http_function(ENDPOINT)
