from __future__ import annotations

import pytest

from functions.conversations.domain.question import Asks, read_question, search_text
from shared.text.language import root, term, words


@pytest.mark.parametrize(
    ("question", "asks", "about"),
    [
        ("When does it say an unlucky bird?", Asks.POSITION, "unlucky bird"),
        ("At what point does the speaker talk about taxes?", Asks.POSITION, "taxes"),
        ("What is said about the queen of France?", Asks.ANYTHING, "queen France"),
        ("Is there anything about volcanoes in this lecture?", Asks.EXISTENCE, "volcanoes"),
        ("Does it mention diesel engines?", Asks.EXISTENCE, "diesel engines"),
        ("When did they see land?", Asks.WHEN, "land"),
        ("When did they mention land?", Asks.POSITION, "land"),
        ("Which year was the castle built?", Asks.WHEN, "castle built"),
        ("How hot should the oven be?", Asks.NUMBER, "oven"),
        ("How many eggs do I need?", Asks.NUMBER, "eggs"),
        ("Please tell me who opened the bridge", Asks.WHO, "opened bridge"),
        ("What colour is the crust?", Asks.COLOUR, "crust"),
        ("What is this video about?", Asks.SUMMARY, ""),
        ("Summarise the film", Asks.SUMMARY, ""),
        ("What text is shown?", Asks.CAPTIONS, ""),
    ],
)
def test_how_something_is_asked_is_told_from_what_is_asked_about(question: str, asks: Asks, about: str) -> None:
    read = read_question(question)
    assert read.asks is asks
    assert read.terms == tuple(word.term for word in words(about))


def test_names_and_numbers_are_what_nothing_else_can_stand_for() -> None:
    assert read_question("How many goals did Okafor score in 2019?").names == {"okafor", "2019"}
    assert read_question("WHO SCORED THE GOAL?").names == frozenset()
    assert read_question("Who is the one in front?").names == frozenset()


@pytest.mark.parametrize("quoted", ['"salt water"', "“salt water”", "„salt water“", "«salt water»", "'salt water'"])
def test_every_kind_of_quotation_marks_is_understood(quoted: str) -> None:
    assert read_question(f"When does it say {quoted}?").phrases == (("salt", "water"),)


def test_apostrophes_are_no_quotation_marks() -> None:
    assert read_question("What's Anna's sister's name, and the dogs' names?").phrases == ()


def test_only_a_question_that_points_back_is_looked_for_with_the_one_before() -> None:
    assert search_text("And where is he?", ["Who scored for Rovers?"]) == "And where is he? Who scored for Rovers?"
    assert search_text("Who hit the post?", ["Who scored for Rovers?"]) == "Who hit the post?"
    assert search_text("And where is he?", []) == "And where is he?"


def test_inflections_meet_and_different_words_do_not() -> None:
    for forms in ["bake bakes baked baking", "stop stopped stopping", "city cities", "win won", "three 3", "café cafe"]:
        assert len({term(form) for form in forms.split()}) == 1, forms
    for pair in ["planet plan", "thing th", "bus us", "need ne", "wedding wed", "bird board"]:
        first, second = pair.split()
        assert term(first) != term(second), pair
    assert root(term("elected")) == root(term("election"))
    assert root(term("volcano")) == root(term("volcanic"))


def test_words_stand_where_they_say() -> None:
    text = "Caf\u0065\u0301s cost 1,200 € — 東京タワー, don’t 🦊 Привет"
    assert all(text[word.start : word.end] == word.text for word in words(text))
    assert [word.text for word in words("don’t 1,200 €")] == ["don’t", "1,200", "€"]
