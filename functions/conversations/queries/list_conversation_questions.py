from pydantic import Field

from functions.conversations.adapters.conversations import read_conversation, read_questions
from functions.conversations.queries.get_question import QuestionView
from functions.entry import http_function
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class QuestionList(View):
    items: list[QuestionView]
    next_cursor: str | None
    as_of: str


class ListConversationQuestions(Query[QuestionList]):
    workspace_id: Uuid
    conversation_id: Uuid
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)


class ListConversationQuestionsHandler:
    """Reads the conversation itself: its questions lie in one partition in the order they were asked."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: ListConversationQuestions) -> Result[QuestionList]:
        store, workspace_id, conversation_id = self._scope.store, query.workspace_id, query.conversation_id
        if read_conversation(store, workspace_id, conversation_id) is None:
            return Failure(NotFound())
        walk = f"questions:{workspace_id}:{conversation_id}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = read_questions(store, workspace_id, conversation_id, after=after, limit=query.limit)
        return Success(
            QuestionList(
                items=[QuestionView.of(question) for question in page.questions],
                next_cursor=self._cursors.make(page.last_position, walk) if page.last_position else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )


def build(scope: ReadScope) -> ListConversationQuestionsHandler:
    return ListConversationQuestionsHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/conversations/{conversation_id}/questions",
    ListConversationQuestions,
    build,
    policy=Policy(permission="conversations:read"),
    summary="The questions of a conversation, in the order asked",
    needs=FunctionNeeds(grants=(CURSOR_SECRET,)),
)
lambda_handler = http_function(ENDPOINT)
