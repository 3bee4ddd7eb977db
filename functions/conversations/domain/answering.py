from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class EvidenceMoment:
    """A moment of a video as an answer engine is given it."""

    video_id: str
    segment_id: str
    kind: str
    start_ms: int
    end_ms: int
    text: str
    similarity: float
    """Cosine (0..1) of its embedding and that of what was searched for."""
    video_ms: int = 0
    """How long its video is; 0 where that isn't known."""


@dataclass(frozen=True)
class Citation:
    video_id: str
    segment_id: str
    start_ms: int
    end_ms: int
    quote: str


@dataclass(frozen=True)
class Turn:
    question: str
    answer: str
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True)
class Answer:
    text: str
    grounded: bool
    citations: tuple[Citation, ...] = ()


class AnswerEngine(Protocol):
    def answer(
        self,
        question: str,
        history: Sequence[Turn],
        moments: Sequence[EvidenceMoment],
        videos: Sequence[str] = (),
    ) -> Answer:
        """`moments` are all that the answer may be made of. `videos` are those of the conversation in its order."""
        ...


UNKNOWN = Answer("I don't know: I found nothing in the video that answers this.", grounded=False)


def checked(answer: Answer, moments: Sequence[EvidenceMoment]) -> Answer:
    """The answer if all that it cites is there, else that it isn't known: an engine may be a language model."""
    known = {(moment.video_id, moment.segment_id): moment for moment in moments}
    if not answer.grounded or not answer.citations:
        return Answer(answer.text, grounded=False) if not answer.citations and not answer.grounded else UNKNOWN
    return answer if all(_holds(known, citation) for citation in answer.citations) else UNKNOWN


def _holds(known: dict[tuple[str, str], EvidenceMoment], citation: Citation) -> bool:
    moment = known.get((citation.video_id, citation.segment_id))
    return (
        moment is not None
        and (citation.start_ms, citation.end_ms) == (moment.start_ms, moment.end_ms)
        and bool(citation.quote)
        and " ".join(citation.quote.split()) in " ".join(moment.text.split())
    )
