"""A workspace's conversations, newest first: their ids sort by the time they were started."""

from functions.conversations.events import ConversationStarted
from shared.messaging.projections import Fact, State, StateProjection


def _conversation(fact: Fact[ConversationStarted]) -> State:
    return State(fact.event.workspace_id, fact.event.conversation_id, {})


CONVERSATIONS = StateProjection("conversations", ConversationStarted, _conversation)
