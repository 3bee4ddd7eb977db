"""A conversation is about a fixed set of videos; its questions are answered from their moments.

One about a project is about the videos that were analysed when it started: what the same question is answered from
doesn't change under its feet, and nothing outside of `video_ids` is ever cited. For what came later, start another.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from functions.conversations.domain.answering import Answer, Turn
from shared.kernel.errors import Conflict

MAX_VIDEOS = 10
MAX_PROJECT_VIDEOS = 50
"""More than are named one by one, and still read and searched within the time that a question takes."""

MAX_QUESTION_LENGTH = 1000

TURNS_REMEMBERED = 5
"""How many earlier questions a new one may refer to."""

QUESTION_COST = 1
"""Credits, whether or not the videos hold the answer: the work is the same."""


ANSWERED_WITHIN = timedelta(seconds=20)
"""Whoever asks waits as long. What takes longer is answered behind their back."""

GIVEN_UP_AFTER = timedelta(minutes=15)
"""A question that isn't answered by then never will be, and its credit goes back."""


class QuestionStatus(StrEnum):
    PENDING = "pending"
    ANSWERED = "answered"
    FAILED = "failed"


class FailureReason(StrEnum):
    VIDEOS_GONE = "videos_gone"
    NOT_ANSWERED_IN_TIME = "not_answered_in_time"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    FailureReason.VIDEOS_GONE: "The videos were deleted before the question was answered. Nothing was charged.",
    FailureReason.NOT_ANSWERED_IN_TIME: (
        "The question couldn't be answered for a reason on our side. Nothing was charged. Ask again."
    ),
}


class AnswerTakesLonger(Exception):
    """There is no answer yet, and whoever asked shouldn't wait any longer."""


class VideoNotAnalysed(Conflict):
    """Nothing is known of a video before its first completed analysis. A conversation about it could only answer that
    it doesn't know, and would charge for that; so it can't start yet.
    """

    def __init__(self, video_id: str) -> None:
        super().__init__(f"Video {video_id} has no completed analysis yet. Request one and wait until it is ready.")


class ProjectNotAnalysed(Conflict):
    def __init__(self) -> None:
        super().__init__("No video of this project has a completed analysis yet. Request one and wait for its end.")


class TooManyVideos(Conflict):
    def __init__(self) -> None:
        super().__init__(
            f"A conversation about a project is about at most {MAX_PROJECT_VIDEOS} analysed videos, and this one has "
            f"more. Name up to {MAX_VIDEOS} of them in video_ids."
        )


class VideosGone(Conflict):
    def __init__(self) -> None:
        super().__init__("None of this conversation's videos is there any more. Start one about others.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """`project_id` is the one that all its videos were in when it started: what is asked counts as its usage."""

    workspace_id: str
    conversation_id: str
    video_ids: tuple[str, ...]
    created_at: str
    project_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An answered one has an `answer`, a failed one a `failure`, a pending one neither."""

    question_id: str
    question: str
    status: QuestionStatus
    asked_at: str
    answer: Answer | None = None
    failure: FailureReason | None = None
    version: int = 0

    def answered(self, answer: Answer) -> "Question":
        return replace(self, status=QuestionStatus.ANSWERED, answer=answer)

    def failed(self, reason: FailureReason) -> "Question":
        return replace(self, status=QuestionStatus.FAILED, failure=reason)


def turns(questions: Iterable[Question]) -> list[Turn]:
    """What was said in a conversation: a question without an answer yet is nothing that another can refer to."""
    return [Turn(one.question, one.answer.text, one.answer.citations) for one in questions if one.answer is not None]
