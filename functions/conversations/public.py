"""What other contexts may use of conversations."""

from functions.conversations.events import ConversationStarted, QuestionAnswered

__all__ = ["EVENTS", "ConversationStarted", "QuestionAnswered"]

EVENTS = (
    ConversationStarted,
    QuestionAnswered,
)
"""All that this context publishes."""
