"""The extractive engine with the real sentence encoder on the videos of videos/*.toml, which are noisy as recognised
speech is. The engine's weights and rules were made on the tuned half alone.

Before them it answered 0.48 of the tuned half rightly and 0.49 of the half held out, and 0.08 and 0.16 of what isn't
told. The floors lie a little under what it does now, to guard against getting worse: they aren't what is hoped for.
"""

from __future__ import annotations

import pytest

from tests.unit.conversations.asking import judge, read_half


@pytest.mark.parametrize(
    ("half", "accuracy", "supporting", "false_answers"),
    [("tuned", 0.73, 0.9, 0.05), ("held_out", 0.65, 0.8, 0.08)],
)
def test_people_ask_in_many_ways_and_are_answered_or_told_that_it_is_not_known(
    half: str, accuracy: float, supporting: float, false_answers: float
) -> None:
    judged = judge(read_half(half))
    assert judged.accuracy >= accuracy
    assert judged.supporting >= supporting
    assert judged.false_answers <= false_answers


def test_a_quarter_of_the_questions_cannot_be_answered() -> None:
    for half in ("tuned", "held_out"):
        asked = [one for conversation in read_half(half).conversations for one in conversation.asked]
        assert len(asked) >= 200
        assert 4 * sum(not one.is_answerable for one in asked) >= len(asked)
