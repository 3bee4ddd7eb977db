from functions.conversations.adapters.conversations import read_question
from functions.conversations.domain.conversation import Question
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class CitationView(View):
    """Where the answer stands in a video, word for word."""

    video_id: str
    segment_id: str
    start_ms: int
    end_ms: int
    quote: str


class QuestionView(View):
    question_id: str
    question: str
    status: str
    answer: str
    grounded: bool
    """Whether the videos hold the answer. Where not, nothing is cited."""
    citations: list[CitationView]
    asked_at: str

    @classmethod
    def of(cls, question: Question) -> "QuestionView":
        return cls(
            question_id=question.question_id,
            question=question.question,
            status=question.status,
            answer=question.answer.text,
            grounded=question.answer.grounded,
            citations=[
                CitationView(
                    video_id=citation.video_id,
                    segment_id=citation.segment_id,
                    start_ms=citation.start_ms,
                    end_ms=citation.end_ms,
                    quote=citation.quote,
                )
                for citation in question.answer.citations
            ],
            asked_at=question.asked_at,
        )


class GetQuestion(Query[QuestionView]):
    workspace_id: Uuid
    conversation_id: Uuid
    question_id: Uuid


class GetQuestionHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetQuestion) -> Result[QuestionView]:
        question = read_question(self._store, query.workspace_id, query.conversation_id, query.question_id)
        return Failure(NotFound()) if question is None else Success(QuestionView.of(question))


def build(scope: ReadScope) -> GetQuestionHandler:
    return GetQuestionHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/conversations/{conversation_id}/questions/{question_id}",
    GetQuestion,
    build,
    policy=Policy(permission="conversations:read"),
    summary="One question and its answer",
)
lambda_handler = http_function(ENDPOINT)
