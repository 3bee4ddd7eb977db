"""Rows and keys of conversations: a conversation and its questions, in the order asked, are one partition."""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

CONVERSATION = "CONVERSATION"
QUESTION = "QUESTION#"


def conversation_partition(workspace_id: str, conversation_id: str) -> str:
    return f"CONVERSATION#{workspace_id}#{conversation_id}"


class ConversationRow(DataRow):
    video_ids = JSONAttribute()
    started_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    project_id = UnicodeAttribute(null=True)


class QuestionRow(DataRow):
    """The sort key ends with the question's id, a UUIDv7."""

    question = UnicodeAttribute()
    status = UnicodeAttribute()
    answer = UnicodeAttribute(null=True)
    grounded = BooleanAttribute(null=True)
    citations = JSONAttribute(null=True)
    failure = UnicodeAttribute(null=True)
    asked_by = UnicodeAttribute()
    asked_at = UnicodeAttribute()
