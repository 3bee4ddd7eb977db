"""What other contexts may use of videos; what finds moments in them is in `moments`, since it takes long to load."""

from functions.videos.adapters.projections import VIDEOS
from functions.videos.adapters.videos import project_videos, read_video
from functions.videos.domain.video import Video, VideoStatus
from functions.videos.events import (
    AnalysisCancelled,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
    MomentIndexChanged,
    VideoChanged,
    VideoCreated,
    VideoDeleted,
    VideoRejected,
    VideoUploaded,
)
from functions.videos.messages import CompleteAnalysis

__all__ = [
    "EVENTS",
    "PROJECTIONS",
    "AnalysisCancelled",
    "AnalysisCompleted",
    "AnalysisFailed",
    "AnalysisRequested",
    "CompleteAnalysis",
    "MomentIndexChanged",
    "Video",
    "VideoChanged",
    "VideoCreated",
    "VideoDeleted",
    "VideoRejected",
    "VideoStatus",
    "VideoUploaded",
    "project_videos",
    "read_video",
]

EVENTS = (
    AnalysisCancelled,
    AnalysisCompleted,
    AnalysisFailed,
    AnalysisRequested,
    MomentIndexChanged,
    VideoChanged,
    VideoCreated,
    VideoDeleted,
    VideoRejected,
    VideoUploaded,
)
"""All that this context publishes."""

PROJECTIONS = (VIDEOS,)
"""All read models of this context."""
