from functions.conversations.adapters.conversations import read_conversation
from functions.conversations.domain.conversation import Conversation
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class ConversationView(View):
    """`project_id` is the one that all its videos were in when it started."""

    conversation_id: str
    project_id: str | None = None
    video_ids: list[str]
    created_at: str

    @classmethod
    def of(cls, conversation: Conversation) -> "ConversationView":
        return cls(
            conversation_id=conversation.conversation_id,
            project_id=conversation.project_id,
            video_ids=list(conversation.video_ids),
            created_at=conversation.created_at,
        )


class GetConversation(Query[ConversationView]):
    workspace_id: Uuid
    conversation_id: Uuid


class GetConversationHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetConversation) -> Result[ConversationView]:
        conversation = read_conversation(self._store, query.workspace_id, query.conversation_id)
        return Failure(NotFound()) if conversation is None else Success(ConversationView.of(conversation))


def build(scope: ReadScope) -> GetConversationHandler:
    return GetConversationHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/conversations/{conversation_id}",
    GetConversation,
    build,
    policy=Policy(permission="conversations:read"),
    summary="One conversation",
)
lambda_handler = http_function(ENDPOINT)
