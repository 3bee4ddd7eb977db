from shared.cqrs.messages import IntegrationEvent


class ConversationStarted(IntegrationEvent):
    service_name = "conversations"
    aggregate_type = "conversation"
    schema_version = 2

    workspace_id: str
    conversation_id: str
    video_ids: tuple[str, ...]
    project_id: str | None = None


class QuestionAnswered(IntegrationEvent):
    """A question got its answer. What was asked and answered is personal: it stays in the conversation."""

    service_name = "conversations"
    aggregate_type = "question"

    workspace_id: str
    conversation_id: str
    question_id: str
    grounded: bool
    citations: int


class QuestionDeferred(IntegrationEvent):
    """A question was asked whose answer takes longer: it will be answered, or fail."""

    service_name = "conversations"
    aggregate_type = "question"

    workspace_id: str
    conversation_id: str
    question_id: str


class QuestionFailed(IntegrationEvent):
    """A deferred question got no answer, and its credit went back. `reason` is a stable code."""

    service_name = "conversations"
    aggregate_type = "question"

    workspace_id: str
    conversation_id: str
    question_id: str
    reason: str
