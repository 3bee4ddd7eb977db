from pathlib import PurePath

from pydantic import Field

from functions.billing.public import RatedFeature, read_tier
from functions.entry import http_function
from functions.resources import UPLOADS_WRITE
from functions.videos.adapters.uploads import UPLOAD_LIFETIME, sign_upload
from functions.videos.adapters.videos import Videos
from functions.videos.domain.video import FileName, Title, Video, check_upload, upload_key
from functions.videos.events import VideoCreated
from functions.videos.queries.get_video import VideoView, show_video
from functions.workspaces.public import require_project
from shared.cqrs.messages import Command, View
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope, WriteScope


class SignedUploadView(View):
    """POST `fields` to `url` as a multipart form, with the file as its last field, named `file`."""

    url: str
    fields: dict[str, str]
    expires_at: str


class CreatedVideo(View):
    """`upload_key` is where the file belongs; the signature for it is made anew with every answer."""

    video: VideoView
    upload_key: str


class CreatedVideoView(View):
    video: VideoView
    upload: SignedUploadView


class CreateVideo(Command[CreatedVideo]):
    """Announce a video and get a signed upload for it. Without a title the file's name is taken."""

    workspace_id: Uuid
    file_name: FileName
    content_type: str = Field(max_length=100)
    size_bytes: int = Field(ge=1)
    title: Title | None = None
    project_id: Uuid | None = None


class CreateVideoHandler:
    def __init__(self, scope: WriteScope, videos: Videos) -> None:
        self._scope = scope
        self._videos = videos

    def __call__(self, command: CreateVideo) -> Result[CreatedVideo]:
        principal, runtime = self._scope.context.principal, self._scope.runtime
        assert not isinstance(principal, Anonymous)
        tier = read_tier(self._scope.store, command.workspace_id)
        refusal = check_upload(command.content_type, command.size_bytes, tier.max_upload_bytes)
        if refusal is not None:
            return Failure(refusal)
        if command.project_id is not None:
            required = require_project(self._scope, command.workspace_id, command.project_id)
            if isinstance(required, Failure):
                return required
        video = Video(
            workspace_id=command.workspace_id,
            video_id=runtime.ids.new(),
            title=command.title or (PurePath(command.file_name).stem or command.file_name)[:200],
            file_name=command.file_name,
            content_type=command.content_type,
            size_bytes=command.size_bytes,
            created_by=principal.actor,
            created_at=rfc3339(runtime.clock.now()),
            correlation_id=self._scope.context.correlation_id,
            project_id=command.project_id,
        )
        self._videos.add(video)
        self._scope.uow.record(
            VideoCreated(
                workspace_id=video.workspace_id,
                video_id=video.video_id,
                content_type=video.content_type,
                size_bytes=video.size_bytes,
            ),
            video.video_id,
            version=1,
        )
        key = upload_key(video.workspace_id, video.video_id)
        return Success(CreatedVideo(video=show_video(video), upload_key=key))


def build(scope: WriteScope) -> CreateVideoHandler:
    return CreateVideoHandler(scope, Videos(scope.uow))


def present(scope: ReadScope, created: CreatedVideo) -> CreatedVideoView:
    video = created.video
    signed = sign_upload(scope.runtime, created.upload_key, video.content_type, video.size_bytes)
    expires_at = rfc3339(scope.runtime.clock.now() + UPLOAD_LIFETIME)
    return CreatedVideoView(
        video=video, upload=SignedUploadView(url=signed.url, fields=signed.fields, expires_at=expires_at)
    )


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/videos",
    CreateVideo,
    build,
    status=201,
    policy=Policy(
        permission="videos:write",
        rate_limit=RateLimit(feature=RatedFeature.UPLOADS),
        idempotency=Idempotency.OPTIONAL,
    ),
    summary="Announce a video and get a signed upload for it",
    needs=FunctionNeeds(grants=(UPLOADS_WRITE,)),
    present=present,
    location=lambda path, created: f"/v1/workspaces/{path['workspace_id']}/videos/{created.video.video_id}",
)
lambda_handler = http_function(ENDPOINT)
