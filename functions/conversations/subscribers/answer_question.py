"""A question whose answer takes longer is answered here. A model is waited for longer than anybody waits who asked; and
where it fails, or isn't well, the extractive engine answers.
"""

from functions.conversations.adapters.answers import Answers
from functions.conversations.adapters.conversations import read_conversation
from functions.conversations.adapters.pending import PendingQuestions
from functions.conversations.domain.conversation import FailureReason
from functions.conversations.messages import ANSWERING, ANSWERING_CLASS, AnswerQuestion
from functions.entry import queue_function
from functions.resources import ANSWER_MODEL_INVOKE, RESULTS_READ
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds, Subscriber
from shared.persistence.scope import WriteScope


class AnswerQuestionHandler:
    def __init__(self, scope: WriteScope, pending: PendingQuestions, answers: Answers) -> None:
        self._scope = scope
        self._pending = pending
        self._answers = answers

    def __call__(self, command: AnswerQuestion) -> Result[None]:
        workspace_id, conversation_id = command.workspace_id, command.conversation_id
        conversation = read_conversation(self._scope.store, workspace_id, conversation_id)
        question = self._pending.find(workspace_id, conversation_id, command.question_id)
        if conversation is None or question is None:
            return Success(None)
        answer = self._answers.to(conversation, question.question_id, question.question)
        if isinstance(answer, Failure):
            return self._pending.fail(workspace_id, conversation_id, question, FailureReason.VIDEOS_GONE)
        return self._pending.answer(conversation, question, answer.value)


def build(scope: WriteScope) -> AnswerQuestionHandler:
    return AnswerQuestionHandler(scope, PendingQuestions(scope), Answers(scope))


SUBSCRIBER = Subscriber(
    name=ANSWERING,
    message=AnswerQuestion,
    queue=ANSWERING_CLASS,
    build=build,
    needs=FunctionNeeds(
        grants=(RESULTS_READ, ANSWER_MODEL_INVOKE), layers=("embedding",), memory_mb=1536, timeout_seconds=60
    ),
)
lambda_handler = queue_function(SUBSCRIBER)
