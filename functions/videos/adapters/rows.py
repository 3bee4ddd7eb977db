"""Rows and keys of videos: a video and its analyses are one partition, and the workspace is in every key. Which videos
a project has is a partition too, so that it is known as soon as one is moved.

The worker's lease and progress are items of the Ephemeral table. The worker alone writes the progress; the lease is
taken from it when its analysis is cancelled.
"""

from pynamodb.attributes import BooleanAttribute, JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.messaging.projections import generation_prefix
from shared.persistence.rows import DataRow, EphemeralRow, ReadModelRow

VIDEO = "VIDEO"
ANALYSIS = "ANALYSIS#"
PROGRESS = "progress"
LEASE = "lease"
MOMENTS = "moments"
"""The name of the read model that the index of moments is, and the tag of what searches of a workspace show."""
INDEX = "INDEX"
TABLE = "TABLE#"
INDEXED_VIDEO = "VIDEO#"
PROJECT_VIDEO = "VIDEO#"
DEADLINE_SHARDS = 8


def video_partition(workspace_id: str, video_id: str) -> str:
    return f"VIDEO#{workspace_id}#{video_id}"


def project_videos_partition(workspace_id: str, project_id: str) -> str:
    return f"PROJECT-VIDEOS#{workspace_id}#{project_id}"


def deadlines_partition(shard: int) -> str:
    return f"ANALYSIS-DEADLINES#{shard}"


def deadline_shard(analysis_id: str) -> int:
    # The random end of the id: its beginning is the time, and deadlines of one time should spread.
    return int(analysis_id[-4:], 16) % DEADLINE_SHARDS


def worker_partition(workspace_id: str, analysis_id: str) -> str:
    return f"analysis#{workspace_id}#{analysis_id}"


def index_partition(generation: str, workspace_id: str) -> str:
    return f"{generation_prefix(MOMENTS, generation)}INDEX#{workspace_id}"


def indexed_workspace(partition: str) -> str:
    """The workspace of a partition of the index."""
    return partition.rpartition("#")[-1]


class VideoRow(DataRow):
    workspace_id = UnicodeAttribute()
    video_id = UnicodeAttribute()
    title = UnicodeAttribute()
    file_name = UnicodeAttribute()
    content_type = UnicodeAttribute()
    size_bytes = NumberAttribute()
    created_by = UnicodeAttribute()
    created_at = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    status = UnicodeAttribute()
    duration_ms = NumberAttribute(null=True)
    width = NumberAttribute(null=True)
    height = NumberAttribute(null=True)
    has_audio = BooleanAttribute(null=True)
    etag = UnicodeAttribute(null=True)
    rejection_reason = UnicodeAttribute(null=True)
    current_analysis_id = UnicodeAttribute(null=True)
    active_analysis_id = UnicodeAttribute(null=True)
    project_id = UnicodeAttribute(null=True)


class ProjectVideoRow(DataRow):
    """A video of a project; the sort key ends with its id. It came in at `since`."""

    since = UnicodeAttribute()


class AnalysisRow(DataRow):
    workspace_id = UnicodeAttribute()
    video_id = UnicodeAttribute()
    analysis_id = UnicodeAttribute()
    features = JSONAttribute()
    mode = UnicodeAttribute()
    held = JSONAttribute()
    charged = JSONAttribute()
    requested_by = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    created_at = UnicodeAttribute()
    deadline_at = UnicodeAttribute()
    status = UnicodeAttribute()
    error_reason = UnicodeAttribute(null=True)
    error_message = UnicodeAttribute(null=True)
    failed_features = JSONAttribute(null=True)
    completed_at = UnicodeAttribute(null=True)


class DeadlineRow(DataRow):
    """An analysis that hasn't ended, sorted by its deadline."""

    workspace_id = UnicodeAttribute()
    video_id = UnicodeAttribute()
    analysis_id = UnicodeAttribute()


class ProgressRow(EphemeralRow):
    share = NumberAttribute()


class LeaseRow(EphemeralRow):
    """Who works on an analysis, and until when in seconds since 1970; a finished one is never worked on again."""

    token = UnicodeAttribute()
    owner = UnicodeAttribute()
    attempt = NumberAttribute()
    until = NumberAttribute()
    finished = BooleanAttribute()


class IndexRow(ReadModelRow):
    """The index of a workspace's moments: `version` counts its changes, `newest` is the table that takes new videos."""

    version = NumberAttribute()
    newest = NumberAttribute()


class TableRow(ReadModelRow):
    """A table of the index: the object it is in, and how much is in it."""

    key = UnicodeAttribute()
    videos = NumberAttribute()
    moments = NumberAttribute()


class IndexedVideoRow(ReadModelRow):
    """What of a video the index shows: which analysis, and in which table; of one that is gone a mark is left.

    `version` is the video's, and `occurred_at` when the event occurred that told of it.
    """

    version = NumberAttribute()
    occurred_at = UnicodeAttribute()
    number = NumberAttribute(null=True)
    analysis_id = UnicodeAttribute(null=True)
