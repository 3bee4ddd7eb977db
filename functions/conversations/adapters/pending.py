"""Questions that wait for their answer: deferred, then answered or failed, each in one transaction with its credit."""

from functions.billing.public import CreditAccounts, FeatureCode
from functions.conversations.adapters.conversations import Conversations, read_question
from functions.conversations.domain.answering import Answer
from functions.conversations.domain.conversation import (
    GIVEN_UP_AFTER,
    QUESTION_COST,
    Conversation,
    FailureReason,
    Question,
    QuestionStatus,
)
from functions.conversations.events import QuestionAnswered, QuestionDeferred, QuestionFailed
from functions.conversations.messages import ANSWERING_QUEUE, EXPIRING_QUEUE, AnswerQuestion, ExpireQuestion
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class PendingQuestions:
    """The credit is held when a question is deferred, consumed with its answer and released when it fails. What ended
    before is left as it is.
    """

    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope
        self._conversations = Conversations(scope.uow)
        self._accounts = CreditAccounts(scope)

    def add(self, conversation: Conversation, question: Question, asked_by: str) -> Result[None]:
        """Has it answered by the queue, and given up if that doesn't come to an end."""
        workspace_id, conversation_id = conversation.workspace_id, conversation.conversation_id
        question_id = question.question_id
        held = self._accounts.hold(
            workspace_id,
            question_id,
            {FeatureCode.CONVERSATION: QUESTION_COST},
            reference=f"question:{question_id}",
            project_id=conversation.project_id,
        )
        if isinstance(held, Failure):
            return held
        self._conversations.add_question(conversation, question, asked_by)
        about = {"workspace_id": workspace_id, "conversation_id": conversation_id, "question_id": question_id}
        self._scope.bus.publish(QuestionDeferred(**about), question_id, version=1)
        self._scope.bus.send(AnswerQuestion(**about), ANSWERING_QUEUE)
        given_up_after = int(GIVEN_UP_AFTER.total_seconds())
        self._scope.bus.send(ExpireQuestion(**about), EXPIRING_QUEUE, delay_seconds=given_up_after)
        return Success(None)

    def find(self, workspace_id: str, conversation_id: str, question_id: str) -> Question | None:
        """A question that is still pending."""
        question = read_question(self._scope.store, workspace_id, conversation_id, question_id)
        return question if question is not None and question.status is QuestionStatus.PENDING else None

    def answer(self, conversation: Conversation, question: Question, answer: Answer) -> Result[None]:
        workspace_id, conversation_id = conversation.workspace_id, conversation.conversation_id
        settled = self._accounts.settle(workspace_id, question.question_id, {FeatureCode.CONVERSATION: QUESTION_COST})
        if isinstance(settled, Failure):
            return settled
        version = self._conversations.end_question(workspace_id, conversation_id, question.answered(answer))
        told = QuestionAnswered(
            workspace_id=workspace_id,
            conversation_id=conversation_id,
            question_id=question.question_id,
            grounded=answer.grounded,
            citations=len(answer.citations),
        )
        self._scope.bus.publish(told, question.question_id, version)
        return Success(None)

    def fail(self, workspace_id: str, conversation_id: str, question: Question, reason: FailureReason) -> Result[None]:
        released = self._accounts.settle(workspace_id, question.question_id, {})
        if isinstance(released, Failure):
            return released
        version = self._conversations.end_question(workspace_id, conversation_id, question.failed(reason))
        told = QuestionFailed(
            workspace_id=workspace_id,
            conversation_id=conversation_id,
            question_id=question.question_id,
            reason=reason,
        )
        self._scope.bus.publish(told, question.question_id, version)
        return Success(None)
