"""How an analysis ended, and the port through which the worker says so."""

from dataclasses import dataclass
from typing import Protocol

from functions.analysis.failures import FailureReason


@dataclass(frozen=True, slots=True)
class FailedFeature:
    """`detail` is a sentence for the user."""

    feature: str
    reason: FailureReason
    detail: str


@dataclass(frozen=True, slots=True)
class Completed:
    """At least one feature is there; those that aren't are in `failed_features`."""

    manifest_key: str
    duration_ms: int
    shots: int
    texts: int
    speech: int
    moments: int
    failed_features: tuple[FailedFeature, ...] = ()


@dataclass(frozen=True, slots=True)
class Failed:
    """`detail` is a sentence for the user."""

    reason: FailureReason
    detail: str


Outcome = Completed | Failed


class Completion(Protocol):
    def send(self, outcome: Outcome) -> None:
        """A later attempt may call it again for the same analysis: the message must be recognisable as the same."""
        ...
