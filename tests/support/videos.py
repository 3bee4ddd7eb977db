"""A workspace in which videos are uploaded and analysed, through the functions that do it in a stage."""

from typing import Any
from urllib.parse import urlencode

from functions.billing.queries import get_credit_balances
from functions.videos.commands import cancel_analysis, create_video, delete_video, request_analysis
from functions.videos.queries import get_analysis, get_video
from functions.videos.subscribers import complete_analysis, complete_upload
from functions.videos.subscribers.complete_upload import ObjectCreated
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.queues import deliver, from_default_bus
from tests.support.workspaces import open_workspace


class Studio:
    def __init__(self, aws: Aws) -> None:
        self.aws = aws
        self.workspace = open_workspace(aws)
        self.workspace_id = self.workspace.workspace_id
        self.caller = Caller(aws.runtime, self.workspace.owner)
        self.videos_path = f"{self.workspace.path}/videos"

    def video_path(self, video_id: str) -> str:
        return f"{self.videos_path}/{video_id}"

    def analyses_path(self, video_id: str) -> str:
        return f"{self.videos_path}/{video_id}/analyses"

    def create_video(self, **changes: object) -> str:
        body = {"file_name": "clip.mp4", "content_type": "video/mp4", "size_bytes": 50_000_000, **changes}
        answer = self.caller.send(create_video.ENDPOINT, self.videos_path, body)
        assert answer.status == 201, answer
        video_id: str = answer.json["video"]["video_id"]
        return video_id

    def upload(self, video_id: str, body: bytes, *, event_id: str | None = None) -> bool:
        """Put the file where it belongs and let S3 tell; whether the telling was taken."""
        key = f"{self.workspace_id}/{video_id}/source"
        self.aws.upload(key, body)
        return self.tell_of_upload(key, event_id=event_id)

    def tell_of_upload(self, key: str, *, event_id: str | None = None, delivery: int = 1) -> bool:
        runtime = self.aws.runtime
        detail = {"version": "0", "bucket": {"name": runtime.settings["UPLOADS_BUCKET"]}, "object": {"key": key}}
        body = from_default_bus(ObjectCreated, detail, runtime, event_id=event_id)
        return deliver(complete_upload.SUBSCRIBER, body, runtime, delivery=delivery)

    def uploaded_video(self, body: bytes) -> str:
        video_id = self.create_video()
        assert self.upload(video_id, body)
        return video_id

    def video(self, video_id: str) -> Any:
        answer = self.caller.send(get_video.ENDPOINT, self.video_path(video_id))
        assert answer.status == 200, answer
        return answer.json

    def request_analysis(self, video_id: str, *, key: str = "a-key", **body: object) -> Answer:
        return self.caller.send(request_analysis.ENDPOINT, self.analyses_path(video_id), body, idempotency_key=key)

    def requested_analysis(self, video_id: str, *, key: str = "a-key", **body: object) -> str:
        answer = self.request_analysis(video_id, key=key, **body)
        assert answer.status == 202, answer
        analysis_id: str = answer.json["analysis_id"]
        return analysis_id

    def cancel_analysis(self, video_id: str, analysis_id: str) -> Answer:
        return self.caller.send(cancel_analysis.ENDPOINT, f"{self.analyses_path(video_id)}/{analysis_id}/cancellation")

    def delete_video(self, video_id: str) -> Answer:
        return self.caller.send(delete_video.ENDPOINT, self.video_path(video_id))

    def analysis(self, video_id: str, analysis_id: str) -> Any:
        answer = self.caller.send(get_analysis.ENDPOINT, f"{self.analyses_path(video_id)}/{analysis_id}")
        assert answer.status == 200, answer
        return answer.json

    def tell_outcome(
        self, video_id: str, analysis_id: str, *, message_id: str | None = None, **outcome: object
    ) -> bool:
        """What the worker puts on its queue when it is done."""
        runtime = self.aws.runtime
        metadata = {
            "message_id": message_id or runtime.ids.new(),
            "occurred_at": "2026-03-01T12:00:00.000Z",
            "correlation_id": "of-the-worker",
            "service_name": "analysis",
        }
        data = {"workspace_id": self.workspace_id, "video_id": video_id, "analysis_id": analysis_id, **outcome}
        return deliver(complete_analysis.SUBSCRIBER, {"detail": {"metadata": metadata, "data": data}}, runtime)

    def pools(self) -> dict[str, tuple[int, int]]:
        """Balance and hold by feature code."""
        answer = self.caller.send(get_credit_balances.ENDPOINT, f"{self.workspace.path}/credits")
        return {one["feature_code"]: (one["balance"], one["held"]) for one in answer.json["items"]}


def with_query(path: str, **fields: object) -> str:
    return f"{path}?{urlencode(fields)}"
