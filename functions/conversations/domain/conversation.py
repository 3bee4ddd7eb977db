"""A conversation is about a fixed set of videos; its questions are answered from their moments."""

from dataclasses import dataclass
from enum import StrEnum

from functions.conversations.domain.answering import Answer, Turn
from shared.kernel.errors import Conflict

MAX_VIDEOS = 10
MAX_QUESTION_LENGTH = 1000

TURNS_REMEMBERED = 5
"""How many earlier questions a new one may refer to."""

QUESTION_COST = 1
"""Credits, whether or not the videos hold the answer: the work is the same."""


class QuestionStatus(StrEnum):
    ANSWERED = "answered"


class VideoNotAnalysed(Conflict):
    """Nothing is known of a video before its first completed analysis. A conversation about it could only answer that
    it doesn't know, and would charge for that; so it can't start yet.
    """

    def __init__(self, video_id: str) -> None:
        super().__init__(f"Video {video_id} has no completed analysis yet. Request one and wait until it is ready.")


class VideosGone(Conflict):
    def __init__(self) -> None:
        super().__init__("None of this conversation's videos is there any more. Start one about others.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    workspace_id: str
    conversation_id: str
    video_ids: tuple[str, ...]
    created_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    question_id: str
    question: str
    status: QuestionStatus
    answer: Answer
    asked_at: str

    def as_turn(self) -> Turn:
        return Turn(self.question, self.answer.text, self.answer.citations)
