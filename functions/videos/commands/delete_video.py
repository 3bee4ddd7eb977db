from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.videos.adapters.deletion import DELETION, DeletedVideo
from functions.videos.adapters.endings import AnalysisEndings
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.video import VideoStatus
from functions.videos.queries.get_video import VideoView, show_video
from shared.aws.grants import EPHEMERAL_WRITE
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.http.etag import refuse_unseen
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import WriteScope


class DeleteVideo(Command[VideoView]):
    """Deletes a video with all that was found in it, for good. An analysis that is under way is cancelled.

    From now on nothing of it can be read but that it is being deleted, and soon not even that. Conversations about it
    keep what was said.
    """

    workspace_id: Uuid
    video_id: Uuid


class DeleteVideoHandler:
    def __init__(self, scope: WriteScope, videos: Videos, endings: AnalysisEndings) -> None:
        self._scope = scope
        self._videos = videos
        self._endings = endings

    def __call__(self, command: DeleteVideo) -> Result[VideoView]:
        video = read_video(self._scope.store, command.workspace_id, command.video_id)
        if video is None:
            return Failure(NotFound())
        unseen = refuse_unseen(show_video(video), self._scope.context, required=False)
        if unseen is not None:
            return Failure(unseen)
        if video.status is VideoStatus.DELETING:
            return Success(show_video(video))
        if video.active_analysis_id is not None:
            cancelled = self._endings.cancel_for_deletion(video.workspace_id, video.video_id, video.active_analysis_id)
            if isinstance(cancelled, Failure):
                return cancelled
        deleting = video.deleting()
        self._videos.save(deleting)
        subject = DeletedVideo(workspace_id=video.workspace_id, video_id=video.video_id)
        DELETION.start(self._scope, f"delete-video:{video.workspace_id}:{video.video_id}", subject)
        return Success(show_video(deleting))


def build(scope: WriteScope) -> DeleteVideoHandler:
    return DeleteVideoHandler(scope, Videos(scope.uow), AnalysisEndings(scope))


ENDPOINT = command(
    "DELETE",
    "/v1/workspaces/{workspace_id}/videos/{video_id}",
    DeleteVideo,
    build,
    status=202,
    policy=Policy(permission="videos:write", rate_limit=RateLimit(feature=RatedFeature.COMMANDS)),
    summary="Delete a video",
    needs=FunctionNeeds(grants=(EPHEMERAL_WRITE,)),
    location=lambda path, video: f"/v1/workspaces/{path['workspace_id']}/videos/{video.video_id}",
)
lambda_handler = http_function(ENDPOINT)
