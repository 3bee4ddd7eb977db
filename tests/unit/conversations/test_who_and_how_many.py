"""Questions for persons and numbers, each with what answers it and with what only looks like it."""

from __future__ import annotations

import pytest

from functions.conversations.domain.answering import Answer, EvidenceMoment
from functions.conversations.domain.extractive import ExtractiveEngine
from functions.conversations.domain.question import read_question

INTRODUCTION = "Hello, I'm Jorun and this is a short tour of our quarry."
MINERS = "Forty miners dug it in one winter."
MOTHER = "My mother Sigrid is seventy one and still drives the digger."
EXITS = "There are three exits, all of them painted yellow."
LADLE = "The cook has a copper ladle from her aunt."
SCHOOL = "The schoolteacher writes the letters for everybody."
BIRDS = "The yellow birds that live here fly eleven thousand kilometres."
MILK = "She fetches a litre of milk from the farm."
CREDIT = "A film by Rasmus Holt"
QUARRY = [
    EvidenceMoment("quarry", f"{kind}-{at:04}", kind, at * 30_000, at * 30_000 + 6_000, text, 0.5)
    for at, (kind, text) in enumerate(
        [
            ("speech", INTRODUCTION),
            ("speech", MINERS),
            ("speech", MOTHER),
            ("speech", EXITS),
            ("speech", LADLE),
            ("speech", SCHOOL),
            ("speech", MILK),
            ("speech", BIRDS),
            ("text", CREDIT),
        ]
    )
]


def ask(question: str) -> Answer:
    return ExtractiveEngine().answer(question, (), QUARRY)


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("Who is the presenter?", INTRODUCTION),
        ("Who leads the tour?", INTRODUCTION),
        ("Who presents the quarry?", INTRODUCTION),
        ("Who made the film?", CREDIT),
        ("How many people dug it?", MINERS),
        ("How old is her mother?", MOTHER),
        ("How many yellow exits are there?", EXITS),
        ("What is the ladle made of?", LADLE),
        ("What does the teacher write?", SCHOOL),
        ("How much milk does she fetch?", MILK),
        ("How far do the yellow birds fly?", BIRDS),
    ],
)
def test_it_is_answered_with_the_one_moment_that_tells_it(question: str, quote: str) -> None:
    assert [one.quote for one in ask(question).citations] == [quote]


@pytest.mark.parametrize(
    "question",
    [
        "Who leads the expedition?",  # somebody introduces herself, but not as its leader
        "Who presents the prize?",  # a prize isn't spoken of
        "How old is Rasmus?",  # an age, but somebody else's
        "How many people work in the kitchen?",  # people are counted, but others
        "How many ladles are there?",  # a ladle, and numbers of other things
        "How long do the yellow birds live?",  # a length, but no time
        "What is the digger made of?",  # a material, but of the ladle
    ],
)
def test_what_is_told_of_others_is_no_answer(question: str) -> None:
    assert not ask(question).grounded


def test_one_stands_for_anybody_in_a_question_and_is_no_number() -> None:
    assert (
        read_question("How does one sharpen the chisel?").terms
        == read_question("How do you sharpen it, the chisel?").terms
    )


def test_what_is_counted_is_the_last_of_the_words_before_the_verb() -> None:
    assert read_question("How many emergency exits are there?").counted == "exit"
    assert read_question("How many kilos of apples did they pick?").counted == "appl"
    assert read_question("How many workers died?").counted == "worker"
