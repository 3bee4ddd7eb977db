"""What other contexts and the worker may use of videos."""

from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.projections import VIDEOS
from functions.videos.adapters.results import MomentLibrary, VideoMoments
from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import Moment, MomentKind
from functions.videos.domain.retrieval import similarities
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
    "MiniLmEmbedder",
    "Moment",
    "MomentIndexChanged",
    "MomentKind",
    "MomentLibrary",
    "Video",
    "VideoChanged",
    "VideoCreated",
    "VideoDeleted",
    "VideoMoments",
    "VideoRejected",
    "VideoStatus",
    "VideoUploaded",
    "read_video",
    "similarities",
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
