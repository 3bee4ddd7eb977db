from typing import Annotated

from pydantic import StringConstraints

from functions.billing.public import CreditAccounts, FeatureCode, RatedFeature
from functions.conversations.adapters.answers import Answers
from functions.conversations.adapters.conversations import Conversations, read_conversation
from functions.conversations.adapters.pending import PendingQuestions
from functions.conversations.domain.answering import Answer
from functions.conversations.domain.conversation import (
    ANSWERED_WITHIN,
    MAX_QUESTION_LENGTH,
    QUESTION_COST,
    AnswerTakesLonger,
    Conversation,
    Question,
    QuestionStatus,
)
from functions.conversations.events import QuestionAnswered
from functions.conversations.queries.get_question import QuestionView
from functions.entry import http_function
from functions.resources import ANSWER_MODEL_INVOKE, RESULTS_READ
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class AskQuestion(Command[QuestionView]):
    """Answered at once, or later where that takes longer than `ANSWERED_WITHIN`: the question is `pending` then.

    It may refer to what was said before. A question that is still pending wasn't said yet.
    """

    workspace_id: Uuid
    conversation_id: Uuid
    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_QUESTION_LENGTH)]


class AskQuestionHandler:
    def __init__(
        self,
        scope: WriteScope,
        conversations: Conversations,
        pending: PendingQuestions,
        accounts: CreditAccounts,
        answers: Answers,
    ) -> None:
        self._scope = scope
        self._conversations = conversations
        self._pending = pending
        self._accounts = accounts
        self._answers = answers

    def __call__(self, command: AskQuestion) -> Result[QuestionView]:
        conversation = read_conversation(self._scope.store, command.workspace_id, command.conversation_id)
        if conversation is None:
            return Failure(NotFound())
        question = Question(
            question_id=self._scope.runtime.ids.new(),
            question=command.question,
            status=QuestionStatus.PENDING,
            asked_at=rfc3339(self._scope.runtime.clock.now()),
        )
        # Before the work, so that who can't pay for it doesn't cause it.
        charged = self._charge(conversation, question.question_id)
        if isinstance(charged, Failure):
            return charged
        try:
            answer = self._answers.to(conversation, question.question_id, command.question)
        except AnswerTakesLonger:
            return self._defer(conversation, question)
        if isinstance(answer, Failure):
            return answer
        return Success(self._answered(conversation, question, answer.value))

    def _charge(self, conversation: Conversation, question_id: str) -> Result[None]:
        return self._accounts.deduct(
            conversation.workspace_id,
            FeatureCode.CONVERSATION,
            QUESTION_COST,
            question_id,
            reference=f"question:{question_id}",
            project_id=conversation.project_id,
        )

    def _defer(self, conversation: Conversation, question: Question) -> Result[QuestionView]:
        # Its credit isn't consumed yet, but held.
        self._scope.uow.rollback()
        added = self._pending.add(conversation, question, self._asked_by)
        return added if isinstance(added, Failure) else Success(QuestionView.of(question))

    def _answered(self, conversation: Conversation, question: Question, answer: Answer) -> QuestionView:
        answered = question.answered(answer)
        self._conversations.add_question(conversation, answered, self._asked_by)
        told = QuestionAnswered(
            workspace_id=conversation.workspace_id,
            conversation_id=conversation.conversation_id,
            question_id=question.question_id,
            grounded=answer.grounded,
            citations=len(answer.citations),
        )
        self._scope.bus.publish(told, question.question_id, version=1)
        return QuestionView.of(answered)

    @property
    def _asked_by(self) -> str:
        principal = self._scope.context.principal
        assert not isinstance(principal, Anonymous)
        return principal.actor


def build(scope: WriteScope) -> AskQuestionHandler:
    answers = Answers(scope, until=scope.context.received_at + ANSWERED_WITHIN)
    return AskQuestionHandler(scope, Conversations(scope.uow), PendingQuestions(scope), CreditAccounts(scope), answers)


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/conversations/{conversation_id}/questions",
    AskQuestion,
    build,
    status=201,
    is_unfinished=lambda question: question.status == QuestionStatus.PENDING,
    policy=Policy(
        permission="conversations:write",
        rate_limit=RateLimit(feature=RatedFeature.QUESTIONS),
        idempotency=Idempotency.REQUIRED,
        claims_key="ANSWER_MODEL",
        slow_after_ms=5_000,
    ),
    summary="Ask a question about the videos of a conversation",
    # The sentence encoder's model and its runtime take half a gigabyte.
    needs=FunctionNeeds(grants=(RESULTS_READ, ANSWER_MODEL_INVOKE), layers=("embedding",), memory_mb=1536),
    location=lambda path, question: (
        f"/v1/workspaces/{path['workspace_id']}/conversations/{path['conversation_id']}"
        f"/questions/{question.question_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
