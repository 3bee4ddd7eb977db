"""A video whose analysis is complete, with the results that a worker would have left."""

import io
from collections.abc import Sequence
from datetime import timedelta

import numpy as np

from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.adapters.videos import Videos
from functions.videos.domain.media import MediaInfo
from functions.videos.domain.results import (
    MANIFEST,
    MOMENT_VECTORS,
    MOMENTS,
    Counts,
    Manifest,
    Moment,
    MomentKind,
    Moments,
    results_prefix,
)
from functions.videos.domain.video import Video, VideoStatus
from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from tests.support.aws import Aws


def add_video(
    aws: Aws,
    workspace_id: str,
    status: VideoStatus,
    analysis_id: str | None = None,
    project_id: str | None = None,
) -> str:
    """A video's row alone; returns the video's id."""
    video_id, now = aws.ids.new(), aws.clock.now()
    context = Context(
        message_id=aws.ids.new(),
        correlation_id=aws.ids.new(),
        received_at=now,
        deadline=now + timedelta(seconds=28),
    )
    uow = aws.runtime.begin(context)
    Videos(uow).add(
        Video(
            workspace_id=workspace_id,
            video_id=video_id,
            title="Clip",
            file_name="clip.mp4",
            content_type="video/mp4",
            size_bytes=1_000,
            created_by="user:somebody",
            created_at=rfc3339(now),
            correlation_id=context.correlation_id,
            status=status,
            media=MediaInfo(duration_ms=60_000, width=640, height=360, has_audio=True),
            current_analysis_id=analysis_id,
            project_id=project_id,
        )
    )
    uow.commit()
    return video_id


def ready_video(aws: Aws, workspace_id: str, spoken: Sequence[tuple[int, int, str]]) -> str:
    """A video in which is said what `spoken` tells, as (start_ms, end_ms, text); returns the video's id."""
    analysis_id = aws.ids.new()
    video_id = add_video(aws, workspace_id, VideoStatus.READY, analysis_id)
    moments = tuple(
        Moment(
            segment_id=f"speech-{number:04}",
            kind=MomentKind.SPEECH,
            start_ms=start_ms,
            end_ms=end_ms,
            text=text,
        )
        for number, (start_ms, end_ms, text) in enumerate(spoken, start=1)
    )
    vectors = io.BytesIO()
    np.save(vectors, MiniLmEmbedder().embed([moment.text for moment in moments]).astype(np.float16))
    manifest = Manifest(
        workspace_id=workspace_id,
        video_id=video_id,
        analysis_id=analysis_id,
        features=("speech",),
        mode="fast",
        duration_ms=60_000,
        width=640,
        height=360,
        frame_rate=25.0,
        has_audio=True,
        models=(),
        counts=Counts(frames=1_500, shots=0, texts=0, speech=len(moments), moments=len(moments)),
        files=(MOMENTS, MOMENT_VECTORS),
    )
    prefix = results_prefix(workspace_id, video_id, analysis_id)
    aws.put_result(prefix + MOMENTS, Moments(moments=moments).model_dump_json().encode())
    aws.put_result(prefix + MOMENT_VECTORS, vectors.getvalue())
    aws.put_result(prefix + MANIFEST, manifest.model_dump_json().encode())
    return video_id
