"""The turns of a video's deletion: first what is large, then the video itself, at last what came late."""

from functions.entry import queue_function
from functions.resources import RESULTS_DELETE, UPLOADS_DELETE
from functions.videos.adapters.analyses import Analyses, read_analyses
from functions.videos.adapters.deletion import DELETION, DeletedVideo, VideoObjects
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.events import VideoDeleted
from shared.kernel.result import Result, Success
from shared.messaging.process import Advance, ProcessState, Step, process_subscriber
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope

_ANALYSES_A_TURN = 50
# A worker whose analysis was cancelled finds out within a minute, and writes results until then.
_LATE_SECONDS = 90
_WAITED = "waited"


def remove_objects(scope: WriteScope, state: ProcessState[DeletedVideo]) -> Result[Advance]:
    removed = VideoObjects(scope.runtime, state.subject).remove_some()
    return Success(Advance(is_finished=removed == 0, done=removed))


def remove_rows(scope: WriteScope, state: ProcessState[DeletedVideo]) -> Result[Advance]:
    """The analyses page by page; with the last of them the video, and what tells of it."""
    workspace_id, video_id = state.subject.workspace_id, state.subject.video_id
    page = read_analyses(scope.store, workspace_id, video_id, after=None, limit=_ANALYSES_A_TURN)
    analyses = Analyses(scope.uow)
    for analysis in page.analyses:
        analyses.remove(analysis)
    if page.last_sk is not None:
        return Success(Advance(is_finished=False, done=len(page.analyses)))
    video = read_video(scope.store, workspace_id, video_id)
    if video is not None:
        version = Videos(scope.uow).remove(video)
        scope.bus.publish(VideoDeleted(workspace_id=workspace_id, video_id=video_id), video_id, version)
    return Success(Advance(done=len(page.analyses)))


def remove_late_objects(scope: WriteScope, state: ProcessState[DeletedVideo]) -> Result[Advance]:
    if state.position is None:
        return Success(Advance(is_finished=False, position=_WAITED, wait_seconds=_LATE_SECONDS))
    removed = VideoObjects(scope.runtime, state.subject).remove_some()
    return Success(Advance(is_finished=removed == 0, position=_WAITED, done=removed))


SUBSCRIBER = process_subscriber(
    DELETION,
    [
        Step("remove-objects", remove_objects),
        Step("remove-rows", remove_rows),
        Step("remove-late-objects", remove_late_objects),
    ],
    needs=FunctionNeeds(grants=(UPLOADS_DELETE, RESULTS_DELETE), timeout_seconds=60),
)
lambda_handler = queue_function(SUBSCRIBER)
