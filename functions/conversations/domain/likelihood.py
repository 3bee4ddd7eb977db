"""How likely a passage is to answer, by what is known of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from functions.conversations.domain.passages import Passage


class Features(NamedTuple):
    """What is known of a passage as an answer, each 0..1."""

    coverage: float
    """How much of what is asked about it holds, each word weighted by its role and by how rare it is."""
    relations: float
    """How much of the verbs and adjectives alone."""
    absent: float
    """What part of the nouns is told nowhere in the videos."""
    similarity: float
    closeness: float
    """Its similarity as a part of that of the most similar moment."""
    is_typed: float
    """Whether a kind of answer is asked for: a person, a number, a reason."""
    kind: float
    """How surely it holds that kind."""
    is_joined: float
    """Whether two moments are needed to say it."""
    is_next: float
    """Whether a reason is asked for, and what is said next is taken for it."""
    is_name: float
    """Whether a person or a name is asked for, of which there are many near misses."""
    is_of_another: float
    """Whether somebody or something else is named in it than in the question."""
    is_only_named: float
    """Whether it names what is asked about and says nothing of what that does or how it is."""
    is_reason: float
    """Whether a reason is asked for, which stands beside what it is one for."""


@dataclass(frozen=True)
class Evidence:
    passage: Passage
    features: Features

    @property
    def log_odds(self) -> float:
        """Of its being the answer rather than nothing being it.

        The weights are those of a conditional logit (McFadden 1974): each question of the unit tests' videos, but of
        the unseen ones, chooses one of its passages or that none tells it (`tests.unit.conversations.fitting`).
        """
        return INTERCEPT + sum(weight * feature for weight, feature in zip(WEIGHTS, self.features, strict=True))


INTERCEPT = -5.7
WEIGHTS = Features(
    coverage=2.7,
    relations=1.5,
    absent=-1.7,
    similarity=3.2,
    closeness=2.6,
    is_typed=-1.6,
    kind=2.1,
    is_joined=-1.7,
    is_next=-1.1,
    is_name=-0.6,
    is_of_another=-5.8,
    is_only_named=-2.3,
    is_reason=1.2,
)
SUFFICIENT = 1.0
"""Log odds from which on a passage is given as the answer."""
