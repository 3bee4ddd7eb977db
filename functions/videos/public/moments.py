"""The moments of analysed videos, for who looks for evidence in them."""

from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.moment_index import MomentIndexProjection
from functions.videos.adapters.results import MomentLibrary, VideoMoments
from functions.videos.domain.results import Moment, MomentKind
from functions.videos.domain.retrieval import similarities

__all__ = [
    "MiniLmEmbedder",
    "Moment",
    "MomentIndexProjection",
    "MomentKind",
    "MomentLibrary",
    "VideoMoments",
    "similarities",
]
