"""Invented videos and what people might ask about them, read from `videos/*.toml`, and how answers are judged.

A moment is a line `start[-end] kind text`; what is said ends where the next thing is said, or as long as saying it
takes. A question is a line `kind | question | moments | words`: an answer is right if it cites something and holds all
the words or, where no words are given, cites one of the moments (named by their start). `none | question` is
one that the video doesn't answer. A line that begins with `>` goes on with the conversation of the line before.

    python -m tests.unit.conversations.asking            # accuracy by kind of each file
    python -m tests.unit.conversations.asking tuned wrong   # and what of one was answered wrongly
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from functions.conversations.domain.answering import Answer, EvidenceMoment, Turn
from functions.conversations.domain.extractive import ExtractiveEngine
from functions.conversations.domain.question import search_text
from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.domain.retrieval import similarities
from tests.evaluation.words import tells

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import float32
    from numpy.typing import NDArray

VIDEOS = Path(__file__).parent / "videos"
SECONDS_A_WORD = 0.45
NO_ANSWER = "none"


class VideoText(BaseModel):
    name: str
    about: str
    moments: str
    questions: str


class ConversationText(BaseModel):
    videos: list[str]
    questions: str


class HalfText(BaseModel):
    video: list[VideoText]
    conversation: list[ConversationText] = []


@dataclass(frozen=True)
class Asked:
    kind: str
    question: str
    supported_by: tuple[tuple[str, int], ...] = ()
    """The video and the start (ms) of each moment that tells it."""
    words: tuple[str, ...] = ()

    @property
    def is_answerable(self) -> bool:
        return self.kind != NO_ANSWER


@dataclass(frozen=True)
class Conversation:
    videos: tuple[str, ...]
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class Half:
    moments: dict[str, list[EvidenceMoment]]
    conversations: list[Conversation]


@dataclass
class Judged:
    answers: list[tuple[Asked, Answer]] = field(default_factory=list[tuple[Asked, Answer]])

    @property
    def accuracy(self) -> float:
        return share([is_right(asked, given) for asked, given in self.answers if asked.is_answerable])

    @property
    def false_answers(self) -> float:
        return share([given.grounded for asked, given in self.answers if not asked.is_answerable])

    @property
    def supporting(self) -> float:
        return share(
            [
                supported
                for asked, given in self.answers
                if asked.is_answerable and asked.supported_by
                for supported in _supported(asked, given)
            ]
        )


def share(held: Sequence[bool]) -> float:
    return sum(held) / len(held) if held else 1.0


def is_right(asked: Asked, given: Answer) -> bool:
    if not given.grounded or not given.citations:
        return False
    if asked.words:
        return tells(given.text, [[word] for word in asked.words])
    return not asked.supported_by or any(_supported(asked, given))


def _supported(asked: Asked, given: Answer) -> list[bool]:
    return [
        (one.video_id, one.start_ms) in asked.supported_by or any(tells(one.quote, [[word]]) for word in asked.words)
        for one in given.citations
    ]


def judge(half: Half) -> Judged:
    judged = Judged()
    for conversation in half.conversations:
        moments = [one for name in conversation.videos for one in half.moments[name]]
        history: list[Turn] = []
        for asked in conversation.asked:
            sought = search_text(asked.question, [turn.question for turn in history])
            given = ExtractiveEngine().answer(
                asked.question, history, with_similarity(moments, sought), conversation.videos
            )
            judged.answers.append((asked, given))
            history.append(Turn(asked.question, given.text, given.citations))
    return judged


def with_similarity(moments: Sequence[EvidenceMoment], sought: str) -> list[EvidenceMoment]:
    import numpy as np

    vectors = np.stack([_vector(one.text) for one in moments])
    cosines = similarities(vectors, _vector(sought))
    return [
        EvidenceMoment(one.video_id, one.segment_id, one.kind, one.start_ms, one.end_ms, one.text, cosine)
        for one, cosine in zip(moments, cosines, strict=True)
    ]


@cache
def _vector(text: str) -> NDArray[float32]:
    vector: NDArray[float32] = MiniLmEmbedder().embed([text])[0]
    return vector


def read_half(name: str) -> Half:
    text = HalfText.model_validate(tomllib.loads((VIDEOS / f"{name}.toml").read_text()))
    conversations = [
        conversation
        for names, questions in (
            *(((video.name,), video.questions) for video in text.video),
            *((tuple(one.videos), one.questions) for one in text.conversation),
        )
        for conversation in _conversations(names, questions)
    ]
    return Half({video.name: _moments(video) for video in text.video}, conversations)


_MOMENT = re.compile(r"(\d+):(\d\d)(?:-(\d+):(\d\d))? (\w+) (.*)")


def _moments(video: VideoText) -> list[EvidenceMoment]:
    lines = [match.groups() for match in map(_MOMENT.fullmatch, video.moments.strip().splitlines()) if match]
    assert len(lines) == len(video.moments.strip().splitlines()), video.name
    said = [(int(m) * 60 + int(s)) * 1000 for m, s, *_, kind, _ in lines if kind == "speech"]
    numbers = Counter[str]()
    moments: list[EvidenceMoment] = []
    for minutes, seconds, until_minutes, until_seconds, kind, text in lines:
        start = (int(minutes) * 60 + int(seconds)) * 1000
        if until_minutes:
            end = (int(until_minutes) * 60 + int(until_seconds)) * 1000
        else:
            end = start + int(1000 * (1 + SECONDS_A_WORD * len(text.split())))
            end = min([end, *(one for one in said if kind == "speech" and one > start)])
        numbers[kind] += 1
        moments.append(EvidenceMoment(video.name, f"{kind}-{numbers[kind]:04}", kind, start, end, text, 0.0))
    return moments


def _conversations(videos: tuple[str, ...], questions: str) -> Iterator[Conversation]:
    turns: list[Asked] = []
    for line in questions.strip().splitlines():
        if not line.startswith(">") and turns:
            yield Conversation(videos, tuple(turns))
            turns = []
        turns.append(_asked(videos, line.removeprefix(">").strip()))
    yield Conversation(videos, tuple(turns))


def _asked(videos: tuple[str, ...], line: str) -> Asked:
    kind, question, *rest = (part.strip() for part in line.split("|"))
    places, words = rest or ("", "")
    supported_by = [_place(videos, place) for place in _listed(places)]
    return Asked(kind, question, tuple(supported_by), _listed(words))


def _listed(text: str) -> tuple[str, ...]:
    """Separated by a comma and a space: 60,000 is one."""
    return tuple(part.strip() for part in text.split(", ") if part.strip())


def _place(videos: tuple[str, ...], place: str) -> tuple[str, int]:
    *name, clock = place.rsplit(" ", 1)
    minutes, seconds = clock.split(":")
    return (name[0] if name else videos[0]), (int(minutes) * 60 + int(seconds)) * 1000


def main(name: str, show_wrong: bool) -> None:
    judged = judge(read_half(name))
    right = Counter(asked.kind for asked, given in judged.answers if asked.is_answerable and is_right(asked, given))
    print(f"{name}: {len(judged.answers)} questions")
    for kind, number in Counter(asked.kind for asked, _ in judged.answers if asked.is_answerable).most_common():
        print(f"  {kind:<9} {right[kind]:>3} of {number}")
    print(f"  accuracy {judged.accuracy:.2f}, supporting {judged.supporting:.2f}, false {judged.false_answers:.2f}")
    for asked, given in judged.answers if show_wrong else ():
        if given.grounded != asked.is_answerable or (asked.is_answerable and not is_right(asked, given)):
            print(f"  {asked.kind}: {asked.question} {asked.words} -> {given.text[:150]}")


if __name__ == "__main__":
    names = [one for one in sys.argv[1:] if one != "wrong"] or ["tuned", "held_out", "fresh", "paraphrased", "unseen"]
    for half in names:
        main(half, "wrong" in sys.argv)
