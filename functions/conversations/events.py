from shared.cqrs.messages import IntegrationEvent


class ConversationStarted(IntegrationEvent):
    service_name = "conversations"
    aggregate_type = "conversation"

    workspace_id: str
    conversation_id: str
    video_ids: tuple[str, ...]


class QuestionAnswered(IntegrationEvent):
    """A question got its answer. What was asked and answered is personal: it stays in the conversation."""

    service_name = "conversations"
    aggregate_type = "question"

    workspace_id: str
    conversation_id: str
    question_id: str
    grounded: bool
    citations: int
