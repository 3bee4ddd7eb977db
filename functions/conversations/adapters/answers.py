from datetime import datetime

from functions.conversations.adapters.bedrock import answer_engine
from functions.conversations.adapters.conversations import read_earlier
from functions.conversations.adapters.evidence import VideoEvidence
from functions.conversations.domain.answering import Answer, checked
from functions.conversations.domain.conversation import (
    TURNS_REMEMBERED,
    AnswerTakesLonger,
    Conversation,
    VideosGone,
    turns,
)
from functions.conversations.domain.question import search_text
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope


class Answers:
    """Answers questions from what the videos of their conversation hold, `until` a time or however long it takes."""

    def __init__(self, scope: ReadScope, until: datetime | None = None) -> None:
        self._scope = scope
        self._until = until
        self._evidence = VideoEvidence(scope)
        self._engine = answer_engine(scope, until)

    def to(self, conversation: Conversation, question_id: str, question: str) -> Result[Answer]:
        """Raises `AnswerTakesLonger`; refuses when none of the videos is left."""
        workspace_id, conversation_id = conversation.workspace_id, conversation.conversation_id
        earlier = read_earlier(
            self._scope.store, workspace_id, conversation_id, before=question_id, limit=TURNS_REMEMBERED
        )
        history = turns(earlier)
        sought = search_text(question, [turn.question for turn in history])
        moments = self._evidence.about(workspace_id, conversation.video_ids, sought)
        if moments is None:
            return Failure(VideosGone())
        if self._until is not None and self._scope.runtime.clock.now() >= self._until:
            raise AnswerTakesLonger
        return Success(checked(self._engine.answer(question, history, moments, conversation.video_ids), moments))
