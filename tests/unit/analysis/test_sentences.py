"""What is heard, sentence by sentence."""

from dataclasses import dataclass

import pytest

from functions.analysis.analyzers.whisper import in_sentences


@dataclass(frozen=True)
class Said:
    word: str
    start: float
    end: float
    probability: float = 0.9


def said(text: str, start: float = 0.0) -> list[Said]:
    """A word each half second, half of it silence."""
    return [Said(f" {word}", start + number / 2, start + number / 2 + 0.25) for number, word in enumerate(text.split())]


def sentences(*texts: str) -> list[str]:
    """Of segments that follow each other."""
    segments: list[list[Said]] = []
    for text in texts:
        segments.append(said(text, segments[-1][-1].end + 0.25 if segments else 0.0))
    return [one.text for one in in_sentences(segments)]


@pytest.mark.parametrize(
    "told",
    [
        ["Melt some butter.", "Bake each pancake for two minutes.", "Serve them."],
        ["Does it still work?", "Yes, but we wind it only once a year."],
        ['He said "Come here."', "Nobody came!", "12 were left…", "Émile too."],
        ["Dr. Ward and Mr. J. Dashwood live in St. Ives at No. 5.", "They left at 6 p.m. on Sunday."],
        ["It costs 2.5 million.", "Wait... what then?"],
        ["Without an end"],
        ["Go to visionscope.example for more.", "Thank you."],
    ],
)
def test_what_is_said_without_a_pause_is_told_sentence_by_sentence(told: list[str]) -> None:
    assert sentences(" ".join(told)) == told


def test_a_sentence_lasts_from_its_first_to_its_last_word() -> None:
    first, second = in_sentences([said("Melt some butter. Serve them.")])
    assert (first.start, first.end) == (0.0, 1.25)
    assert (second.start, second.end) == (1.5, 2.25)
    assert first.confidence == pytest.approx(0.9)


def test_a_sentence_goes_on_in_the_next_segment() -> None:
    assert sentences("It grew", "very fast. It", "was red.") == ["It grew very fast.", "It was red."]


def test_a_pause_or_a_long_sentence_ends_with_its_segment() -> None:
    assert [one.text for one in in_sentences([said("It grew"), said("very fast", 2.0)])] == ["It grew", "very fast"]
    endless = "and on " * 15
    assert sentences(endless, "it goes", "and ends.") == [endless.strip(), "it goes and ends."]


def test_a_word_alone_belongs_to_what_follows_it_and_the_last_one_stands_alone() -> None:
    assert sentences("Yes. But not now. No.") == ["Yes. But not now.", "No."]


def test_nothing_said_is_no_sentence() -> None:
    assert list(in_sentences([])) == []
    assert list(in_sentences([[Said(" ", 0.0, 0.1)]])) == []
