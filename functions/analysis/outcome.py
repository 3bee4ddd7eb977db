"""How an analysis ended, and the port through which the worker says so."""

from dataclasses import dataclass
from typing import Protocol

from functions.analysis.failures import FailureReason


@dataclass(frozen=True, slots=True)
class Completed:
    manifest_key: str
    duration_ms: int
    shots: int
    texts: int
    speech: int
    moments: int


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
