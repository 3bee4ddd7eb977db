"""The extractive engine with the real sentence encoder on the videos of videos/*.toml, which are noisy as recognised
speech is. The engine's weights and rules were made on all but the last file. That one was written before the last round
of them, of its questions only the totals were ever read, and it is harder on purpose: its questions share few words
with what is said, and a third of them can't be answered. What to expect of a video never seen, it tells. Before that
round the engine answered 0.47 of it rightly, and 0.12 of what isn't told there; of `paraphrased`, 0.37 and 0.16.

The floors lie a little under what it does now, to guard against getting worse: they aren't what is hoped for.
"""

from __future__ import annotations

import pytest

from tests.unit.conversations.asking import judge, read_half

HALVES = ("tuned", "held_out", "fresh", "paraphrased", "unseen")


@pytest.mark.parametrize(
    ("half", "accuracy", "supporting", "false_answers"),
    [
        ("tuned", 0.83, 0.9, 0.05),
        ("held_out", 0.81, 0.88, 0.05),
        ("fresh", 0.83, 0.93, 0.1),
        ("paraphrased", 0.5, 0.85, 0.11),
        ("unseen", 0.52, 0.8, 0.11),
    ],
)
def test_people_ask_in_many_ways_and_are_answered_or_told_that_it_is_not_known(
    half: str, accuracy: float, supporting: float, false_answers: float
) -> None:
    judged = judge(read_half(half))
    assert judged.accuracy >= accuracy
    assert judged.supporting >= supporting
    assert judged.false_answers <= false_answers


def test_a_quarter_of_the_questions_cannot_be_answered() -> None:
    for half in HALVES:
        asked = [one for conversation in read_half(half).conversations for one in conversation.asked]
        assert len(asked) >= 120
        assert 4 * sum(not one.is_answerable for one in asked) >= len(asked)
