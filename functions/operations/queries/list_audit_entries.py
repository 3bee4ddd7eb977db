from collections.abc import Mapping

from pydantic import Field

from functions.entry import http_function
from shared.aws.grants import AUDIT_READ, CURSOR_SECRET
from shared.behaviors.audit import AuditRow, attempt_of, audit_partition
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope
from shared.persistence.store import Page

_READS = 4
_ENTRIES_PER_READ = 500
"""How far one page looks for entries that fit its filters; the next page goes on from there."""


class AuditEntry(View):
    """One step of an attempt: `attempted`, or its end: `succeeded`, `failed` or `denied`, with the code of an `error`.

    An attempt without an end is still running, or its process broke off and it had no effect.
    """

    attempt_id: str
    action: str
    state: str
    actor: str
    at: str
    error: str | None
    target: Mapping[str, str]
    correlation_id: str


class AuditPage(View):
    """Where few entries fit the filters, a page may have fewer than asked for and still a cursor."""

    items: list[AuditEntry]
    next_cursor: str | None
    as_of: str


class ListAuditEntries(Query[AuditPage]):
    """`actor` is as entries name it: `user:<id>`, `api-key:<id>`."""

    workspace_id: Uuid
    actor: str | None = Field(None, min_length=1, max_length=100)
    action: str | None = Field(None, min_length=1, max_length=100)
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)

    def fits(self, entry: AuditRow) -> bool:
        return self.actor in (None, entry.actor) and self.action in (None, entry.action)


class ListAuditEntriesHandler:
    """Reads the trail itself: it is append-only and sorted, so a read model would only be a later copy of it."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: ListAuditEntries) -> Result[AuditPage]:
        walk = f"audit:{query.workspace_id}:{query.actor or ''}:{query.action or ''}"
        page = self._find(query, self._cursors.read(query.cursor, walk) if query.cursor else None)
        return Success(
            AuditPage(
                items=[_show(entry) for entry in page.rows],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )

    def _find(self, query: ListAuditEntries, after: str | None) -> Page[AuditRow]:
        found: list[AuditRow] = []
        partition = audit_partition(query.workspace_id)
        filters = query.actor is not None or query.action is not None
        for _ in range(_READS):
            limit = _ENTRIES_PER_READ if filters else query.limit
            page = self._scope.store.page(AuditRow, partition, after=after, limit=limit, newest_first=True)
            for entry in filter(query.fits, page.rows):
                found.append(entry)
                if len(found) == query.limit:
                    return Page(found, entry.sk)
            after = page.last_sk
            if after is None:
                break
        return Page(found, after)


def _show(entry: AuditRow) -> AuditEntry:
    return AuditEntry(
        attempt_id=attempt_of(entry),
        action=entry.action,
        state=entry.state,
        actor=entry.actor,
        at=entry.at,
        error=entry.error,
        target=entry.target,
        correlation_id=entry.correlation_id,
    )


def build(scope: ReadScope) -> ListAuditEntriesHandler:
    return ListAuditEntriesHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/audit",
    ListAuditEntries,
    build,
    policy=Policy(permission="audit:read"),
    summary="Who tried what in a workspace and how it ended, newest first",
    needs=FunctionNeeds(grants=(AUDIT_READ, CURSOR_SECRET)),
)
lambda_handler = http_function(ENDPOINT)
