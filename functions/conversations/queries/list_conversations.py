from pydantic import Field

from functions.conversations.adapters.conversations import read_conversations
from functions.conversations.adapters.projections import CONVERSATIONS
from functions.conversations.queries.get_conversation import ConversationView
from functions.entry import http_function
from shared.aws.grants import CURSOR_SECRET, READ_MODELS_READ
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.projections import ReadModel
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class ConversationsPage(View):
    """`total_count` is there when `include_total` asks for it."""

    items: list[ConversationView]
    next_cursor: str | None
    as_of: str
    total_count: int | None = None


class ListConversations(Query[ConversationsPage]):
    workspace_id: Uuid
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


class ListConversationsHandler:
    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors
        self._model = ReadModel(scope.store, CONVERSATIONS.name)

    def __call__(self, query: ListConversations) -> Result[ConversationsPage]:
        workspace_id = query.workspace_id
        walk = f"conversations:{workspace_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = self._model.page(workspace_id, after=after, limit=query.limit)
        found = read_conversations(self._scope.store, workspace_id, [row.sk for row in page.rows])
        return Success(
            ConversationsPage(
                items=[ConversationView.of(conversation) for conversation in found if conversation],
                next_cursor=self._cursors.make(page.last_sk, walk) if page.last_sk else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
                total_count=sum(1 for _ in self._model.states(workspace_id)) if query.include_total else None,
            )
        )


def build(scope: ReadScope) -> ListConversationsHandler:
    return ListConversationsHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/conversations",
    ListConversations,
    build,
    policy=Policy(permission="conversations:read"),
    summary="The conversations of a workspace, newest first",
    needs=FunctionNeeds(grants=(READ_MODELS_READ, CURSOR_SECRET)),
)
lambda_handler = http_function(ENDPOINT)
