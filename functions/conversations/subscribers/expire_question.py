"""A pending question ends by its time, whatever became of the message that should have had it answered."""

from functions.conversations.adapters.pending import PendingQuestions
from functions.conversations.domain.conversation import FailureReason
from functions.conversations.messages import EXPIRING, ExpireQuestion
from functions.entry import queue_function
from shared.kernel.result import Result, Success
from shared.messaging.routing import QueueClass, Subscriber
from shared.persistence.scope import WriteScope


class ExpireQuestionHandler:
    def __init__(self, pending: PendingQuestions) -> None:
        self._pending = pending

    def __call__(self, command: ExpireQuestion) -> Result[None]:
        workspace_id, conversation_id = command.workspace_id, command.conversation_id
        question = self._pending.find(workspace_id, conversation_id, command.question_id)
        if question is None:
            return Success(None)
        return self._pending.fail(workspace_id, conversation_id, question, FailureReason.NOT_ANSWERED_IN_TIME)


def build(scope: WriteScope) -> ExpireQuestionHandler:
    return ExpireQuestionHandler(PendingQuestions(scope))


SUBSCRIBER = Subscriber(name=EXPIRING, message=ExpireQuestion, queue=QueueClass.DEFAULT, build=build)
lambda_handler = queue_function(SUBSCRIBER)
