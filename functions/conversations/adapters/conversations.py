"""Conversations and their questions, read consistently and added through the unit of work."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from pynamodb.expressions.update import Action

from functions.conversations.adapters.rows import (
    CONVERSATION,
    QUESTION,
    ConversationRow,
    QuestionRow,
    conversation_partition,
)
from functions.conversations.domain.answering import Answer, Citation
from functions.conversations.domain.conversation import Conversation, FailureReason, Question, QuestionStatus
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


def read_earlier(store: Store, workspace_id: str, conversation_id: str, *, before: str, limit: int) -> list[Question]:
    """The last `limit` questions before one, by its id, in the order they were asked."""
    pk = conversation_partition(workspace_id, conversation_id)
    page = store.page(QuestionRow, pk, QUESTION, after=QUESTION + before, limit=limit, newest_first=True)
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
                project_id=conversation.project_id,
                version=1,
            )
        )

    def add_question(self, conversation: Conversation, question: Question, asked_by: str) -> None:
        answer = question.answer
        self._uow.insert(
            QuestionRow(
                pk=conversation_partition(conversation.workspace_id, conversation.conversation_id),
                sk=QUESTION + question.question_id,
                question=question.question,
                status=question.status,
                answer=answer.text if answer else None,
                grounded=answer.grounded if answer else None,
                citations=_citations(answer) if answer else None,
                asked_by=asked_by,
                asked_at=question.asked_at,
                version=1,
            )
        )

    def end_question(self, workspace_id: str, conversation_id: str, question: Question) -> int:
        """Write how a pending question ended; returns its new version."""
        ending: list[Action] = [QuestionRow.version.add(1), QuestionRow.status.set(question.status)]
        if question.answer is not None:
            ending += [
                QuestionRow.answer.set(question.answer.text),
                QuestionRow.grounded.set(question.answer.grounded),
                QuestionRow.citations.set(_citations(question.answer)),
            ]
        if question.failure is not None:
            ending.append(QuestionRow.failure.set(question.failure))
        self._uow.update(
            QuestionRow,
            conversation_partition(workspace_id, conversation_id),
            QUESTION + question.question_id,
            ending,
            condition=(QuestionRow.version == question.version) & (QuestionRow.status == QuestionStatus.PENDING),
        )
        return question.version + 1


def _citations(answer: Answer) -> list[dict[str, str | int]]:
    return [asdict(citation) for citation in answer.citations]


def _question(row: QuestionRow) -> Question:
    return Question(
        question_id=row.sk.removeprefix(QUESTION),
        question=row.question,
        status=QuestionStatus(row.status),
        asked_at=row.asked_at,
        answer=_answer(row),
        failure=FailureReason(row.failure) if row.failure else None,
        version=int(row.version),
    )


def _answer(row: QuestionRow) -> Answer | None:
    if row.answer is None or row.grounded is None or row.citations is None:
        return None
    return Answer(row.answer, row.grounded, tuple(Citation(**citation) for citation in row.citations))


def _conversation(row: ConversationRow, workspace_id: str, conversation_id: str) -> Conversation:
    return Conversation(
        workspace_id=workspace_id,
        conversation_id=conversation_id,
        video_ids=tuple(row.video_ids),
        created_at=row.created_at,
        project_id=row.project_id,
    )
