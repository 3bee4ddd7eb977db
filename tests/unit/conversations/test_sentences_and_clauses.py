"""What answers a question by the way its sentence is made, beside sentences about the same that don't."""

from __future__ import annotations

import pytest

from functions.conversations.domain.answering import EvidenceMoment
from functions.conversations.domain.extractive import ExtractiveEngine


def video(*sentences: str) -> list[EvidenceMoment]:
    return [
        EvidenceMoment("v", f"speech-{at:04}", "speech", at * 5_000, at * 5_000 + 4_000, text, 0.5)
        for at, text in enumerate(sentences)
    ]


def quoted(question: str, *sentences: str) -> list[str]:
    return [one.quote for one in ExtractiveEngine().answer(question, (), video(*sentences)).citations]


ROOF = "The new roof was paid for by a fishery."
PRICE = "The new roof cost a fortune by the time it was done."


def test_who_did_it_stands_behind_a_passive() -> None:
    assert quoted("Who paid for the new roof?", "Welcome to the mill.", PRICE, ROOF) == [ROOF]
    assert quoted("Who paid for the new roof?", "Welcome to the mill.", PRICE) == []


LOOM = "Turn the loom by hand until the red thread shows."


def test_when_to_do_it_may_be_told_in_a_clause() -> None:
    assert quoted("When should I stop to turn the loom by hand?", "Today we look at looms.", LOOM) == [LOOM]


@pytest.mark.parametrize(
    ("question", "step"),
    [
        ("What is the first step?", "First, wash the wool in cold water."),
        ("What is the second step?", "Then dry it until it is soft."),
        ("What is the last step?", "Roll it with both hands."),
    ],
)
def test_the_first_step_is_the_one_that_is_called_so(question: str, step: str) -> None:
    told = ("Let us make a thread.", "First, wash the wool in cold water.", "Then dry it until it is soft.")
    assert quoted(question, *told, "Roll it with both hands.") == [step]
