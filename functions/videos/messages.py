"""Commands that reach this context through a queue."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict

from functions.videos.domain.analysis import Feature
from shared.cqrs.messages import MessageCommand
from shared.kernel.errors import FieldError


class FailedFeature(BaseModel):
    """`reason` is a stable code, `detail` a sentence for the user."""

    model_config = ConfigDict(frozen=True)

    feature: Feature
    reason: str
    detail: str


class CompleteAnalysis(MessageCommand):
    """The worker's account of how an analysis ended: `manifest_key` and what was found, or `reason` and `detail`, a
    stable code and a sentence for the user. One with a manifest may lack features, each for a reason.
    """

    workspace_id: str
    video_id: str
    analysis_id: str
    manifest_key: str | None = None
    duration_ms: int = 0
    shots: int = 0
    texts: int = 0
    speech: int = 0
    moments: int = 0
    failed_features: tuple[FailedFeature, ...] = ()
    reason: str | None = None
    detail: str | None = None

    def rules(self) -> Iterable[FieldError]:
        if (self.manifest_key is None) == (self.reason is None):
            yield FieldError("", "ambiguous", "An analysis has results or a reason why not")


class ExpireAnalysis(MessageCommand):
    """End an analysis whose deadline has passed."""

    workspace_id: str
    video_id: str
    analysis_id: str
