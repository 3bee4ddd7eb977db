"""Fits the weights of `functions.conversations.domain.likelihood` anew and prints them beside those in use.

A question chooses one of its passages, or that nothing tells it, with the odds that their features give them: a
conditional logit (McFadden 1974), of which the likelihood of the right choices is maximised, with a small quadratic
penalty. `unseen.toml` is left out: it tells what to expect of others.

    python -m tests.unit.conversations.fitting
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from functions.conversations.domain.answering import Turn
from functions.conversations.domain.evidence import gather
from functions.conversations.domain.extractive import ExtractiveEngine
from functions.conversations.domain.likelihood import INTERCEPT, WEIGHTS, Features
from functions.conversations.domain.order import cited_among
from functions.conversations.domain.question import Asks, read_in_context, search_text
from tests.unit.conversations.asking import read_half, with_similarity
from tests.unit.conversations.evaluation import EARLIER, LATER
from tests.unit.conversations.test_answer_evaluation import moments_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy import float64
    from numpy.typing import NDArray

    from functions.conversations.domain.likelihood import Evidence

FITTED_ON = ("tuned", "held_out", "fresh", "paraphrased")
# Answered by their place or by counting, or judged by other rules.
ANSWERED_OTHERWISE = frozenset(
    {"order", "first", "second", "third", "last", "time", "count", "compare", "summary", "seen", "which"}
)
JUDGED_OTHERWISE = (Asks.POSITION, Asks.OCCURRENCE, Asks.EXISTENCE, Asks.SUMMARY)
PENALTY, STEPS, RATE = 1.0, 400, 0.05


class Choice(NamedTuple):
    features: NDArray[float64]
    """A row of 1 and the features for each passage."""
    is_right: NDArray[np.bool_]
    """Which of the passages tell it; none of them where nothing does."""


def choices() -> Iterator[Choice]:
    for name in FITTED_ON:
        yield from _of_half(name)
    for video in (*EARLIER, *LATER):
        for asked in video.asked:
            question = read_in_context(asked.question, ())
            if question.asks not in JUDGED_OTHERWISE:
                found = gather(question, moments_of(video, asked.question))
                right = [any(one.segment_id in asked.answered_by for one in it.passage.moments) for it in found]
                yield from _choice(found, right, is_told=bool(asked.answered_by))


def _of_half(name: str) -> Iterator[Choice]:
    half = read_half(name)
    for conversation in half.conversations:
        moments = [one for video in conversation.videos for one in half.moments[video]]
        history: list[Turn] = []
        for asked in conversation.asked:
            before = [turn.question for turn in history]
            similar = with_similarity(moments, search_text(asked.question, before))
            question = read_in_context(asked.question, before)
            if question.asks not in JUDGED_OTHERWISE and asked.kind not in ANSWERED_OTHERWISE:
                found = gather(question, similar, cited_among(similar, history[-1].citations) if history else ())
                right = [
                    any((one.video_id, one.start_ms) in asked.supported_by for one in it.passage.moments)
                    for it in found
                ]
                yield from _choice(found, right, is_told=asked.is_answerable)
            given = ExtractiveEngine().answer(asked.question, history, similar, conversation.videos)
            history.append(Turn(asked.question, given.text, given.citations))


def _choice(found: Sequence[Evidence], right: Sequence[bool], *, is_told: bool) -> Iterator[Choice]:
    """None where the choice is made already, or what tells it isn't to be chosen."""
    if found and is_told == any(right):
        yield Choice(np.array([[1.0, *one.features] for one in found]), np.array(right))


def fit(made: Sequence[Choice]) -> NDArray[float64]:
    """The intercept and the weights, found with Adam (Kingma and Ba 2015) on features of unit deviation."""
    rows = np.concatenate([choice.features for choice in made])
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    mean[0], deviation[0] = 0.0, 1.0
    scaled = [((choice.features - mean) / deviation, choice.is_right) for choice in made]
    weights = np.zeros(rows.shape[1])
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, STEPS + 1):
        gradient = -PENALTY * weights
        gradient[0] = 0.0
        for features, is_right in scaled:
            odds = np.exp(features @ weights)
            gradient -= features.T @ (odds / (1 + odds.sum()))
            if is_right.any():
                right = np.where(is_right, odds, 0.0)
                gradient += features.T @ (right / right.sum())
        first = 0.9 * first + 0.1 * gradient
        second = 0.999 * second + 0.001 * gradient**2
        weights += RATE * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
    fitted: NDArray[float64] = weights / deviation
    fitted[0] -= fitted[1:] @ mean[1:]
    return fitted


def main() -> None:
    made = list(choices())
    intercept, *weights = fit(made).tolist()
    print(f"{len(made)} questions\n{'intercept':<15}{intercept:>6.1f} {INTERCEPT:>6.1f}")
    for name, fitted, used in zip(Features._fields, weights, WEIGHTS, strict=True):
        print(f"{name:<15}{fitted:>6.1f} {used:>6.1f}")


if __name__ == "__main__":
    main()
