"""What other contexts may use of conversations."""

from functions.conversations.adapters.projections import CONVERSATIONS
from functions.conversations.events import ConversationStarted, QuestionAnswered

__all__ = ["EVENTS", "PROJECTIONS", "ConversationStarted", "QuestionAnswered"]

EVENTS = (
    ConversationStarted,
    QuestionAnswered,
)
"""All that this context publishes."""

PROJECTIONS = (CONVERSATIONS,)
"""All read models of this context."""
