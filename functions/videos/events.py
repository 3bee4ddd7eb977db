from shared.cqrs.messages import IntegrationEvent
from shared.messaging.projections import FIRST_GENERATION


class VideoCreated(IntegrationEvent):
    """A video was announced; its upload is awaited."""

    service_name = "videos"
    aggregate_type = "video"

    workspace_id: str
    video_id: str
    content_type: str
    size_bytes: int


class VideoChanged(IntegrationEvent):
    """The whole state of a video after any change, for those who keep a picture of it; other events tell what happened.

    Of two of one video the one with the greater aggregate version is the newer.
    """

    service_name = "videos"
    aggregate_type = "video"
    schema_version = 2

    workspace_id: str
    video_id: str
    status: str
    current_analysis_id: str | None
    active_analysis_id: str | None
    project_id: str | None = None


class VideoUploaded(IntegrationEvent):
    service_name = "videos"
    aggregate_type = "video"

    workspace_id: str
    video_id: str
    size_bytes: int
    duration_ms: int
    width: int
    height: int


class VideoRejected(IntegrationEvent):
    """What was uploaded can't be used; `reason` is a stable code."""

    service_name = "videos"
    aggregate_type = "video"

    workspace_id: str
    video_id: str
    reason: str


class VideoDeleted(IntegrationEvent):
    """The video is gone, and so are its upload, its analyses and all that they had found."""

    service_name = "videos"
    aggregate_type = "video"

    workspace_id: str
    video_id: str


class AnalysisRequested(IntegrationEvent):
    service_name = "videos"
    aggregate_type = "analysis"

    workspace_id: str
    video_id: str
    analysis_id: str
    features: tuple[str, ...]
    mode: str
    credits_held: dict[str, int]
    deadline_at: str


class AnalysisCompleted(IntegrationEvent):
    """`features` are those that were done; `counts` says how much was found of each kind of segment."""

    service_name = "videos"
    aggregate_type = "analysis"

    workspace_id: str
    video_id: str
    analysis_id: str
    features: tuple[str, ...]
    duration_ms: int
    counts: dict[str, int]
    credits_charged: dict[str, int]
    failed_features: tuple[str, ...] = ()


class AnalysisCancelled(IntegrationEvent):
    """Somebody ended it before its end. The credits held for it went back."""

    service_name = "videos"
    aggregate_type = "analysis"

    workspace_id: str
    video_id: str
    analysis_id: str


class AnalysisFailed(IntegrationEvent):
    """`reason` is a stable code. The credits held for the analysis went back."""

    service_name = "videos"
    aggregate_type = "analysis"

    workspace_id: str
    video_id: str
    analysis_id: str
    reason: str


class MomentIndexChanged(IntegrationEvent):
    """A video's moments came into the workspace's index, or went: what is found of it now is of `analysis_id`.

    `table` is the part of the index that was written anew, in this `generation` of it: a rebuild makes another one
    before searches see it.
    """

    service_name = "videos"
    aggregate_type = "moment-index"
    schema_version = 2

    workspace_id: str
    video_id: str
    analysis_id: str | None
    table: int
    generation: str = FIRST_GENERATION
