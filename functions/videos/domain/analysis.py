"""An analysis of a video: queued, run by a Batch job, ended once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum


class Feature(StrEnum):
    """`EMOTION` is experimental: it is done for those who name it."""

    SHOTS = "shots"
    TEXT = "text"
    SPEECH = "speech"
    PEOPLE = "people"
    OBJECTS = "objects"
    EMOTION = "emotion"


class Mode(StrEnum):
    FAST = "fast"
    ACCURATE = "accurate"


DEFAULT_FEATURES = (Feature.SHOTS, Feature.TEXT, Feature.SPEECH)

_SHORTEST_DEADLINE = timedelta(minutes=15)
_DEADLINE_FACTOR = 4


class AnalysisStatus(StrEnum):
    """`RUNNING` is never stored: a queued analysis for which the worker shows progress is a running one."""

    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class FailureReason(StrEnum):
    """Reasons that are found out around the worker; its own come with its message."""

    DEADLINE_EXCEEDED = "deadline_exceeded"
    OUT_OF_MEMORY = "out_of_memory"
    SUBMISSION_REFUSED = "submission_refused"
    WORKER_FAILED = "worker_failed"
    TIMED_OUT = "timed_out"

    @property
    def sentence(self) -> str:
        return _SENTENCES[self]


_SENTENCES = {
    FailureReason.DEADLINE_EXCEEDED: "The analysis wasn't done in time and was given up. Nothing was charged.",
    FailureReason.OUT_OF_MEMORY: (
        "The video takes more memory than an analysis has. Try it in a lower resolution. Nothing was charged."
    ),
    FailureReason.SUBMISSION_REFUSED: (
        "The analysis couldn't be started for a reason on our side. Nothing was charged."
    ),
    FailureReason.WORKER_FAILED: "The analysis broke off for a reason on our side. Nothing was charged.",
    FailureReason.TIMED_OUT: "The analysis took longer than it may and was stopped. Nothing was charged.",
}


@dataclass(frozen=True, slots=True)
class AnalysisError:
    """`reason` is a stable code, `message` a sentence for the user."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """`held` is the quote: the credits set aside under the analysis' own id, per credit feature. A completed one may
    lack some of its features, each for a reason.
    """

    workspace_id: str
    video_id: str
    analysis_id: str
    features: tuple[Feature, ...]
    mode: Mode
    held: Mapping[str, int]
    requested_by: str
    correlation_id: str
    created_at: str
    deadline_at: str
    status: AnalysisStatus = AnalysisStatus.QUEUED
    charged: Mapping[str, int] = field(default_factory=dict[str, int])
    error: AnalysisError | None = None
    failed_features: Mapping[Feature, AnalysisError] = field(default_factory=dict[Feature, AnalysisError])
    completed_at: str | None = None
    version: int = 0

    @property
    def has_ended(self) -> bool:
        return self.status is not AnalysisStatus.QUEUED

    def completed(
        self, charged: Mapping[str, int], failed_features: Mapping[Feature, AnalysisError], at: str
    ) -> "Analysis":
        return replace(
            self,
            status=AnalysisStatus.COMPLETED,
            charged=charged,
            failed_features=failed_features,
            completed_at=at,
        )

    def cancelled(self, at: str) -> "Analysis":
        return replace(self, status=AnalysisStatus.CANCELLED, completed_at=at)

    def failed(self, error: AnalysisError, at: str) -> "Analysis":
        return replace(self, status=AnalysisStatus.FAILED, error=error, completed_at=at)


def deadline(now: datetime, duration_ms: int) -> datetime:
    """When an analysis that hasn't ended is given up: a queue, a cold machine and the work itself fit well before."""
    return now + max(_SHORTEST_DEADLINE, timedelta(milliseconds=duration_ms) * _DEADLINE_FACTOR)
