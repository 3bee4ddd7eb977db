"""The questions of `questions.toml`, with their evidence as spans of the clips."""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tests.evaluation.truth import Truth


class Question(BaseModel):
    """See `questions.toml` for what the fields mean."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    clip: str | None = None
    clips: tuple[str, ...] = ()
    thread: str | None = None
    ask: str
    kind: str
    evidence_in: str | None = Field(default=None, alias="in")
    said: tuple[int, ...] = ()
    shown: tuple[int, ...] = ()
    at: tuple[tuple[int, int], ...] = ()
    says: tuple[tuple[str, ...], ...] = ()
    none: bool = False

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if (self.clip is None) == (not self.clips):
            raise ValueError(f"“{self.ask}” is about one clip or about several")
        if self.none == bool(self.said or self.shown or self.at):
            raise ValueError(f"“{self.ask}” has evidence, or none")
        return self

    @property
    def about(self) -> tuple[str, ...]:
        """The names of the clips that the conversation is about."""
        return self.clips if self.clip is None else (self.clip,)

    @property
    def answerable(self) -> bool:
        return not self.none


@dataclass(frozen=True)
class Span:
    clip: str
    start_ms: int
    end_ms: int
    kind: str | None = None
    """`speech` or `text`, where only that is meant."""


@dataclass(frozen=True)
class Conversation:
    """Questions that are asked one after another, about the same clips."""

    about: tuple[str, ...]
    questions: tuple[Question, ...]


def load() -> tuple[Question, ...]:
    document = tomllib.loads(Path(__file__).with_name("questions.toml").read_text())
    return tuple(Question.model_validate(one) for one in document["question"])


def conversations(questions: tuple[Question, ...]) -> Iterator[Conversation]:
    threads: dict[str, list[Question]] = {}
    for number, question in enumerate(questions):
        threads.setdefault(question.thread or f"#{number}", []).append(question)
    for thread in threads.values():
        yield Conversation(thread[0].about, tuple(thread))


def evidence(question: Question, truth_of: Callable[[str], Truth]) -> tuple[Span, ...]:
    """Where the answer is to be found: said, shown or, in a clip without either, at known times."""
    clip = question.evidence_in or question.about[0]
    truth = truth_of(clip)
    spoken = [truth.spoken[number - 1] for number in question.said]
    shown = [(truth.captions or ())[number - 1] for number in question.shown]
    return (
        *(Span(clip, one.start_ms, one.end_ms, "speech") for one in spoken),
        *(Span(clip, one.start_ms, one.end_ms, "text") for one in shown),
        *(Span(clip, start_ms, end_ms) for start_ms, end_ms in question.at),
    )
