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


class QuestionErrorView(View):
    """Why there is no answer: a stable code and a sentence."""

    reason: str
    message: str


class QuestionView(View):
    """`status` is `pending`, `answered` or `failed`. Until it is answered there are neither `answer` nor `grounded`."""

    question_id: str
    question: str
    status: str
    answer: str | None
    grounded: bool | None
    """Whether the videos hold the answer. Where not, nothing is cited."""
    citations: list[CitationView]
    error: QuestionErrorView | None = None
    asked_at: str

    @classmethod
    def of(cls, question: Question) -> "QuestionView":
        answer, failure = question.answer, question.failure
        return cls(
            question_id=question.question_id,
            question=question.question,
            status=question.status,
            answer=answer.text if answer else None,
            grounded=answer.grounded if answer else None,
            citations=[
                CitationView(
                    video_id=citation.video_id,
                    segment_id=citation.segment_id,
                    start_ms=citation.start_ms,
                    end_ms=citation.end_ms,
                    quote=citation.quote,
                )
                for citation in (answer.citations if answer else ())
            ],
            error=QuestionErrorView(reason=failure, message=failure.sentence) if failure else None,
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
