"""What nobody says in so many words: which step comes when, and how long a video is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from functions.conversations.domain.answering import Answer, EvidenceMoment
from functions.conversations.domain.extractive import ExtractiveEngine


def told(*texts: str, video_id: str = "kite", video_ms: int = 0) -> list[EvidenceMoment]:
    return [
        EvidenceMoment(video_id, f"speech-{at:04}", "speech", at * 5_000, at * 5_000 + 4_000, text, 0.3, video_ms)
        for at, text in enumerate(texts)
    ]


def ask(question: str, moments: list[EvidenceMoment]) -> Answer:
    return ExtractiveEngine().answer(question, (), moments)


KITE = told(
    "Today I show you how we make kites.",
    "Cut two sticks of bamboo.",
    "Bamboo is light and strong.",
    "Then tie them together with a string.",
    "Finally, glue the paper onto the frame.",
    "Let me know how high yours flies!",
)
NUMBERED = told("Step one, unplug the lamp.", "Mind the hot bulb.", "Step two, unscrew the shade.", "Good luck.")


@pytest.mark.parametrize(
    ("question", "moments", "quote"),
    [
        ("What is the first step?", KITE, "Cut two sticks of bamboo."),
        ("What is step 2?", KITE, "Then tie them together with a string."),
        ("What do you do third?", KITE, "Finally, glue the paper onto the frame."),
        ("What is the second step?", NUMBERED, "Step two, unscrew the shade."),
        ("What is the last step?", NUMBERED, "Step two, unscrew the shade."),
    ],
)
def test_a_step_is_what_one_is_told_to_do_in_its_turn(question: str, moments: list[EvidenceMoment], quote: str) -> None:
    assert [one.quote for one in ask(question, moments).citations] == [quote]


@pytest.mark.parametrize("moments", [KITE, NUMBERED])
def test_a_step_after_the_last_is_not_known(moments: list[EvidenceMoment]) -> None:
    assert not ask("What is the ninth step?", moments).grounded


@pytest.mark.parametrize(
    "question", ["How long is the video?", "How long does this film last?", "What is the length of the recording?"]
)
def test_the_length_of_a_video_is_told_with_the_moment_that_it_ends_with(question: str) -> None:
    answer = ask(question, [replace(one, video_ms=83_000) for one in KITE])
    assert "83 seconds (1:23)" in answer.text
    assert [one.quote for one in answer.citations] == ["Let me know how high yours flies!"]


def test_a_length_that_is_not_known_is_not_made_up() -> None:
    assert not ask("How long is the video?", KITE).grounded


def test_how_long_something_in_the_video_takes_is_not_the_length_of_the_video() -> None:
    assert "83 seconds" not in ask("How long is the string?", [replace(one, video_ms=83_000) for one in KITE]).text


def test_the_longest_of_several_videos_is_told() -> None:
    videos = [*told("One.", video_ms=60_000), *told("Two.", video_id="long", video_ms=90_000)]
    answer = ask("Which video is longer?", videos)
    assert [one.video_id for one in answer.citations] == ["long"]
    assert [one.video_id for one in ask("Which one is the shortest?", videos).citations] == ["kite"]
