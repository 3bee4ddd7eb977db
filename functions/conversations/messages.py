"""Commands that reach this context through a queue."""

from shared.cqrs.messages import MessageCommand
from shared.messaging.routing import QueueClass, queue_name

ANSWERING, EXPIRING = "answer-question", "expire-question"
"""Who takes them."""

ANSWERING_CLASS = QueueClass.VIDEO_PROCESSING
"""The one whose functions may run for a minute."""


class AnswerQuestion(MessageCommand):
    """Answer a question whose answer takes longer than anybody waits for."""

    service_name = "conversations"

    workspace_id: str
    conversation_id: str
    question_id: str


class ExpireQuestion(MessageCommand):
    """Give a question up that isn't answered by now."""

    service_name = "conversations"

    workspace_id: str
    conversation_id: str
    question_id: str


ANSWERING_QUEUE = queue_name(ANSWERING_CLASS, ANSWERING)
EXPIRING_QUEUE = queue_name(QueueClass.DEFAULT, EXPIRING)
