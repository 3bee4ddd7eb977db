"""Questions that ask in a roundabout way, each with the sentence that answers it and one that only sounds like it."""

from __future__ import annotations

import pytest

from functions.conversations.domain.answering import Answer, EvidenceMoment
from functions.conversations.domain.extractive import ExtractiveEngine


def told(*texts: str, kind: str = "speech") -> list[EvidenceMoment]:
    return [
        EvidenceMoment("market", f"{kind}-{at:04}", kind, at * 20_000, at * 20_000 + 6_000, text, 0.5)
        for at, text in enumerate(texts)
    ]


MARKET = [
    *told(
        "Every morning the farmers set up their stalls here.",
        "A trug is a shallow basket made of willow.",
        "The ferry leaves at half past seven.",
        "Honey costs six euros a jar.",
        "Dilara seasons the lentils with cumin and salt.",
        "Never leave the honey in the sun. It turns dark that way.",
        "The ferry is full of tourists in August.",
        "At the bakery on Mill Lane we buy a loaf for the way home.",
    ),
    *told("MARKET DAY", "Honey 6 €", kind="text"),
]


def ask(question: str) -> Answer:
    return ExtractiveEngine().answer(question, (), MARKET)


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("What is a trug?", "A trug is a shallow basket made of willow."),
        ("What is a trug made of?", "A trug is a shallow basket made of willow."),
        ("When does the ferry leave?", "The ferry leaves at half past seven."),
        ("Which spices go with the lentils?", "Dilara seasons the lentils with cumin and salt."),
        ("How often do the farmers set up their stalls?", "Every morning the farmers set up their stalls here."),
        ("When is the ferry first mentioned?", "The ferry leaves at half past seven."),
        ("When is the ferry mentioned for the last time?", "The ferry is full of tourists in August."),
        ("When is it written what honey costs?", "Honey 6 €"),
        ("What is the title of the film?", "MARKET DAY"),
        ("What is the programme called?", "MARKET DAY"),
    ],
)
def test_it_is_answered_with_the_one_sentence_that_tells_it(question: str, quote: str) -> None:
    assert [one.quote for one in ask(question).citations] == [quote]


@pytest.mark.parametrize(
    "question",
    [
        "What is a punnet?",
        "How many jars of jam are there?",
        "What is the ferry made of?",
        "Which fruits go with the lentils?",
        "How often does the bakery open?",
    ],
)
def test_what_only_sounds_like_it_is_no_answer(question: str) -> None:
    assert not ask(question).grounded
