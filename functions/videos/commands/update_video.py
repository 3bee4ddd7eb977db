from collections.abc import Iterable

from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.videos.adapters.rows import MOMENTS
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.video import Title
from functions.videos.queries.get_video import VideoView, show_video
from functions.workspaces.public import require_project
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.http.etag import refuse_unseen
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope
from shared.persistence.tags import raise_tag


class UpdateVideo(Command[VideoView]):
    """Gives a video another title, or moves it into a project; `null` for the project takes it out of its own. What
    isn't sent stays as it is.
    """

    workspace_id: Uuid
    video_id: Uuid
    title: Title | None = None
    project_id: Uuid | None = None

    def rules(self) -> Iterable[FieldError]:
        if not self.model_fields_set & {"title", "project_id"}:
            yield FieldError("", "nothing-to-change", "Send a title or a project_id")
        if "title" in self.model_fields_set and self.title is None:
            yield FieldError("/title", "missing", "A video always has a title")


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
        changed = video if command.title is None else video.renamed(command.title)
        if "project_id" in command.model_fields_set and command.project_id != video.project_id:
            if command.project_id is not None:
                required = require_project(self._scope, command.workspace_id, command.project_id)
                if isinstance(required, Failure):
                    return required
            now = rfc3339(self._scope.runtime.clock.now())
            changed = self._videos.move(changed, command.project_id, at=now)
            # What is found in a project is another thing at once.
            raise_tag(self._scope, command.workspace_id, MOMENTS)
        self._videos.save(changed)
        return Success(show_video(changed))


def build(scope: WriteScope) -> UpdateVideoHandler:
    return UpdateVideoHandler(scope, Videos(scope.uow))


ENDPOINT = command(
    "PATCH",
    "/v1/workspaces/{workspace_id}/videos/{video_id}",
    UpdateVideo,
    build,
    status=200,
    policy=Policy(permission="videos:write", rate_limit=RateLimit(feature=RatedFeature.COMMANDS)),
    summary="Change a video's title or project",
)
lambda_handler = http_function(ENDPOINT)
