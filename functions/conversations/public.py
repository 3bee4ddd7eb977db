"""What other contexts may use of conversations."""

from functions.conversations.adapters.projections import CONVERSATIONS
from functions.conversations.events import ConversationStarted, QuestionAnswered, QuestionDeferred, QuestionFailed

__all__ = [
    "EVENTS",
    "PROJECTIONS",
    "ConversationStarted",
    "QuestionAnswered",
    "QuestionDeferred",
    "QuestionFailed",
]

EVENTS = (
    ConversationStarted,
    QuestionAnswered,
    QuestionDeferred,
    QuestionFailed,
)
"""All that this context publishes."""

PROJECTIONS = (CONVERSATIONS,)
"""All read models of this context."""
