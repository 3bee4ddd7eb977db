"""S3 tells that a file arrived: it is examined, and the video is uploaded or rejected."""

from typing import Any

from pydantic import BaseModel, ConfigDict

from functions.billing.public import read_tier
from functions.entry import queue_function
from functions.resources import UPLOADS_DELETE, UPLOADS_READ
from functions.videos.adapters.probe import probe
from functions.videos.adapters.uploads import UploadedFile, UploadGone
from functions.videos.adapters.videos import Videos, read_video
from functions.videos.domain.media import MediaInfo, Rejection, RejectionReason, judge
from functions.videos.domain.video import Video, upload_key
from functions.videos.events import VideoRejected, VideoUploaded
from shared.kernel.result import Result, Success
from shared.messaging.routing import ForeignEvent, FunctionNeeds, QueueClass, Subscriber
from shared.persistence.scope import WriteScope

_LOOKS = 3


class StoredObject(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    key: str


class ObjectCreated(ForeignEvent):
    source = "aws.s3"
    detail_type = "Object Created"
    detail_filter = {"bucket": {"name": [{"resource": "uploads"}]}}

    object: StoredObject


class CompleteUploadHandler:
    """Looks at the object that is there now, so it doesn't matter in which order S3's events arrive."""

    def __init__(self, scope: WriteScope, videos: Videos, s3: Any, bucket: str) -> None:
        self._scope = scope
        self._videos = videos
        self._s3 = s3
        self._bucket = bucket

    def __call__(self, event: ObjectCreated) -> Result[None]:
        workspace_id, _, rest = event.object.key.partition("/")
        video_id = rest.partition("/")[0]
        if event.object.key != upload_key(workspace_id, video_id):
            return Success(None)
        video = read_video(self._scope.store, workspace_id, video_id)
        if video is None:
            # Sent under a signature that outlived its video.
            self._s3.delete_object(Bucket=self._bucket, Key=event.object.key)
            return Success(None)
        if not video.takes_uploads:
            return Success(None)
        # S3 knows nothing of the request that the upload was signed for.
        self._scope.context.correlation_id = video.correlation_id
        try:
            file = UploadedFile(self._s3, self._bucket, event.object.key)
            if file.etag == video.etag:
                return Success(None)
            found = self._look_into(file)
        except UploadGone:
            # Deleted, or replaced: then its own event is on the way.
            return Success(None)
        if isinstance(found, MediaInfo):
            tier = read_tier(self._scope.store, video.workspace_id)
            rejection = judge(found, tier.max_video_minutes)
            if rejection is None:
                self._accept(video, found, file)
                return Success(None)
            found = rejection
        self._reject(video, found, file)
        return Success(None)

    def _look_into(self, file: UploadedFile) -> MediaInfo | Rejection:
        """A file that ended the process each time it was looked into can't be read; it isn't left waiting for ever."""
        if self._scope.context.delivery > _LOOKS:
            return Rejection(RejectionReason.UNREADABLE)
        return probe(file)

    def _accept(self, video: Video, media: MediaInfo, file: UploadedFile) -> None:
        version = self._videos.save(video.uploaded(media, file.etag))
        self._scope.uow.record(
            VideoUploaded(
                workspace_id=video.workspace_id,
                video_id=video.video_id,
                size_bytes=file.size,
                duration_ms=media.duration_ms,
                width=media.width,
                height=media.height,
            ),
            video.video_id,
            version,
        )

    def _reject(self, video: Video, rejection: Rejection, file: UploadedFile) -> None:
        version = self._videos.save(video.rejected(rejection, file.etag))
        self._scope.uow.record(
            VideoRejected(workspace_id=video.workspace_id, video_id=video.video_id, reason=rejection.reason),
            video.video_id,
            version,
        )


def build(scope: WriteScope) -> CompleteUploadHandler:
    runtime = scope.runtime
    return CompleteUploadHandler(scope, Videos(scope.uow), runtime.client("s3"), runtime.settings["UPLOADS_BUCKET"])


SUBSCRIBER = Subscriber(
    name="complete-upload",
    message=ObjectCreated,
    queue=QueueClass.VIDEO_PROCESSING,
    build=build,
    # Decoders run on their own copies of what is read, and a file may be read for 96 MiB.
    needs=FunctionNeeds(grants=(UPLOADS_READ, UPLOADS_DELETE), layers=("media",), memory_mb=1024, timeout_seconds=60),
)
lambda_handler = queue_function(SUBSCRIBER)
