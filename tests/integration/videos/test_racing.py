"""Two transactions on one analysis, both decided before either has committed."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.videos.commands import request_analysis
from functions.videos.commands.request_analysis import RequestAnalysis
from functions.videos.messages import CompleteAnalysis, ExpireAnalysis
from functions.videos.subscribers import complete_analysis, expire_analyses
from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context
from shared.kernel.principals import System
from shared.kernel.result import Result, Success
from shared.persistence.scope import WriteScope
from shared.persistence.unit_of_work import StaleRead, UnitOfWork
from tests.support.aws import Aws
from tests.support.videos import Studio


def decide(aws: Aws, build: Callable[[WriteScope], Callable[[Any], Result[Any]]], message: Message) -> UnitOfWork:
    """Let a handler decide; returns what it would write."""
    runtime, now = aws.runtime, aws.clock.now()
    context = Context(
        message_id=runtime.ids.new(), correlation_id="c", received_at=now, deadline=now, principal=System("test")
    )
    uow = runtime.begin(context)
    assert isinstance(build(WriteScope(runtime, context, uow=uow))(message), Success)
    return uow


def test_two_requests_at_once_make_one_analysis(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    command = RequestAnalysis(workspace_id=studio.workspace_id, video_id=video_id)
    first, second = (decide(aws, request_analysis.build, command) for _ in range(2))

    first.commit()
    with pytest.raises(StaleRead):
        second.commit()

    assert studio.pools()["transcription"] == (59, 1)
    assert len(aws.events("AnalysisRequested")) == 1


@pytest.mark.parametrize("expired_first", [True, False])
def test_an_analysis_that_completes_at_its_deadline_ends_one_way(aws: Aws, clip: bytes, expired_first: bool) -> None:
    studio = Studio(aws)
    video_id = studio.uploaded_video(clip)
    analysis_id = studio.requested_analysis(video_id)
    completed = CompleteAnalysis(
        workspace_id=studio.workspace_id, video_id=video_id, analysis_id=analysis_id, manifest_key="m", duration_ms=1500
    )
    expired = ExpireAnalysis(workspace_id=studio.workspace_id, video_id=video_id, analysis_id=analysis_id)
    completion = decide(aws, complete_analysis.build, completed)
    expiry = decide(aws, expire_analyses.build, expired)
    first, second = (expiry, completion) if expired_first else (completion, expiry)

    first.commit()
    with pytest.raises(StaleRead):
        second.commit()

    assert studio.analysis(video_id, analysis_id)["status"] == ("failed" if expired_first else "completed")
    assert studio.pools()["transcription"] == ((60, 0) if expired_first else (59, 0))
