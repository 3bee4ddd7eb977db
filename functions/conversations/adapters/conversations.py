"""Conversations and their questions, read consistently and added through the unit of work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from functions.conversations.adapters.rows import (
    CONVERSATION,
    QUESTION,
    ConversationRow,
    QuestionRow,
    conversation_partition,
)
from functions.conversations.domain.answering import Answer, Citation
from functions.conversations.domain.conversation import Conversation, Question, QuestionStatus
from shared.persistence.batch_reads import get_many
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class QuestionPage:
    questions: Sequence[Question]
    last_position: str | None
    """Where to go on, `None` at the end."""


def read_conversation(store: Store, workspace_id: str, conversation_id: str) -> Conversation | None:
    row = store.get(ConversationRow, conversation_partition(workspace_id, conversation_id), CONVERSATION)
    return _conversation(row, workspace_id, conversation_id) if row else None


def read_conversations(store: Store, workspace_id: str, conversation_ids: Sequence[str]) -> list[Conversation | None]:
    """Conversations of this workspace in the order asked for; `None` where there is none."""
    keys = [(conversation_partition(workspace_id, one), CONVERSATION) for one in conversation_ids]
    rows = get_many(store, ConversationRow, keys)
    return [
        _conversation(row, workspace_id, one) if row else None for row, one in zip(rows, conversation_ids, strict=True)
    ]


def read_question(store: Store, workspace_id: str, conversation_id: str, question_id: str) -> Question | None:
    row = store.get(QuestionRow, conversation_partition(workspace_id, conversation_id), QUESTION + question_id)
    return _question(row) if row else None


def read_questions(
    store: Store, workspace_id: str, conversation_id: str, *, after: str | None, limit: int
) -> QuestionPage:
    """At most `limit` questions in the order they were asked."""
    pk = conversation_partition(workspace_id, conversation_id)
    page = store.page(QuestionRow, pk, QUESTION, after=after, limit=limit)
    return QuestionPage([_question(row) for row in page.rows], page.last_sk)


def read_latest(store: Store, workspace_id: str, conversation_id: str, limit: int) -> list[Question]:
    """The last `limit` questions in the order they were asked."""
    pk = conversation_partition(workspace_id, conversation_id)
    page = store.page(QuestionRow, pk, QUESTION, limit=limit, newest_first=True)
    return [_question(row) for row in reversed(page.rows)]


class Conversations:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, conversation: Conversation, started_by: str) -> None:
        self._uow.insert(
            ConversationRow(
                pk=conversation_partition(conversation.workspace_id, conversation.conversation_id),
                sk=CONVERSATION,
                video_ids=list(conversation.video_ids),
                started_by=started_by,
                created_at=conversation.created_at,
                version=1,
            )
        )

    def add_question(self, conversation: Conversation, question: Question, asked_by: str) -> None:
        self._uow.insert(
            QuestionRow(
                pk=conversation_partition(conversation.workspace_id, conversation.conversation_id),
                sk=QUESTION + question.question_id,
                question=question.question,
                status=question.status,
                answer=question.answer.text,
                grounded=question.answer.grounded,
                citations=[asdict(citation) for citation in question.answer.citations],
                asked_by=asked_by,
                asked_at=question.asked_at,
                version=1,
            )
        )


def _question(row: QuestionRow) -> Question:
    return Question(
        question_id=row.sk.removeprefix(QUESTION),
        question=row.question,
        status=QuestionStatus(row.status),
        answer=Answer(row.answer, row.grounded, tuple(Citation(**citation) for citation in row.citations)),
        asked_at=row.asked_at,
    )


def _conversation(row: ConversationRow, workspace_id: str, conversation_id: str) -> Conversation:
    return Conversation(
        workspace_id=workspace_id,
        conversation_id=conversation_id,
        video_ids=tuple(row.video_ids),
        created_at=row.created_at,
    )
