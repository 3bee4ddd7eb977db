"""What other contexts may use of conversations."""

from functions.conversations.events import ConversationStarted, QuestionAnswered

__all__ = ["ConversationStarted", "QuestionAnswered"]
