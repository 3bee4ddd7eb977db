"""The deletion of a video: a process, since its objects and its analyses may be more than a transaction holds."""

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.messaging.process import Process
from shared.messaging.routing import QueueClass
from shared.persistence.scope import Runtime

_BUCKETS = ("UPLOADS_BUCKET", "RESULTS_BUCKET")
_LISTED_AT_ONCE = 200


class DeletedVideo(BaseModel):
    model_config = ConfigDict(frozen=True)

    workspace_id: str
    video_id: str


DELETION = Process("remove-deleted-video", QueueClass.VIDEO_PROCESSING, DeletedVideo, first_step="remove-objects")


class VideoObjects:
    """All that lies in the buckets under a video: its upload, and what its analyses have left."""

    def __init__(self, runtime: Runtime, video: DeletedVideo) -> None:
        self._s3 = runtime.client("s3")
        self._settings = runtime.settings
        self._prefix = f"{video.workspace_id}/{video.video_id}/"

    def remove_some(self) -> int:
        """Remove up to 200 objects of each bucket; returns how many there were."""
        removed = 0
        for bucket in _BUCKETS:
            keys = list(self._keys(self._settings[bucket]))
            for key in keys:
                # One by one: the answer to a request for many is a success that may hold failures.
                self._s3.delete_object(Bucket=self._settings[bucket], Key=key)
            removed += len(keys)
        return removed

    def _keys(self, bucket: str) -> Iterator[str]:
        listed: Any = self._s3.list_objects_v2(Bucket=bucket, Prefix=self._prefix, MaxKeys=_LISTED_AT_ONCE)
        for found in listed.get("Contents", []):
            yield found["Key"]
