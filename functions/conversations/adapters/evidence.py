"""What the videos of a conversation hold, as the answer engine wants it."""

from collections.abc import Iterable

from functions.conversations.domain.answering import EvidenceMoment
from functions.videos.public.moments import MiniLmEmbedder, MomentLibrary, similarities
from shared.persistence.scope import ReadScope


class VideoEvidence:
    def __init__(self, scope: ReadScope) -> None:
        self._library = MomentLibrary(scope)
        self._embedder = MiniLmEmbedder()

    def about(self, workspace_id: str, video_ids: Iterable[str], text: str) -> list[EvidenceMoment] | None:
        """Every moment of the videos with its likeness to `text`; `None` when no video is left."""
        libraries = [self._library.of(workspace_id, video_id) for video_id in video_ids]
        found = [library for library in libraries if library is not None]
        if not found:
            return None
        telling = [library for library in found if library.moments]
        if not telling:
            return []
        (vector,) = self._embedder.embed([text])
        return [
            EvidenceMoment(
                video_id=library.video_id,
                segment_id=moment.segment_id,
                kind=moment.kind,
                start_ms=moment.start_ms,
                end_ms=moment.end_ms,
                text=moment.text,
                similarity=similarity,
                video_ms=library.duration_ms,
            )
            for library in telling
            for moment, similarity in zip(library.moments, similarities(library.vectors, vector), strict=True)
        ]
