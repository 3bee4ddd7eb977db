from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.video import Title
from functions.videos.queries.get_video import VideoView, show_video
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.http.etag import refuse_unseen
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class UpdateVideo(Command[VideoView]):
    """Gives a video another title."""

    workspace_id: Uuid
    video_id: Uuid
    title: Title


class UpdateVideoHandler:
    def __init__(self, scope: WriteScope, videos: Videos) -> None:
        self._scope = scope
        self._videos = videos

    def __call__(self, command: UpdateVideo) -> Result[VideoView]:
        video = read_video(self._scope.store, command.workspace_id, command.video_id)
        if video is None:
            return Failure(NotFound())
        unseen = refuse_unseen(show_video(video), self._scope.context)
        if unseen is not None:
            return Failure(unseen)
        renamed = video.renamed(command.title)
        self._videos.save(renamed)
        return Success(show_video(renamed))


def build(scope: WriteScope) -> UpdateVideoHandler:
    return UpdateVideoHandler(scope, Videos(scope.uow))


ENDPOINT = command(
    "PATCH",
    "/v1/workspaces/{workspace_id}/videos/{video_id}",
    UpdateVideo,
    build,
    status=200,
    policy=Policy(permission="videos:write", rate_limit=RateLimit(feature=RatedFeature.COMMANDS)),
    summary="Change a video's title",
)
lambda_handler = http_function(ENDPOINT)
