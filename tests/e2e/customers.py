"""A customer of the deployed stack, who has nothing but its API."""

import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from infra.local.client import ApiClient, upload
from tests.e2e.stacks import LocalStack

SETTLED_SECONDS = 120.0
ENDED = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody logged in, with a workspace of their own in the Free tier."""

    api: ApiClient
    session: Mapping[str, Any]
    workspace_id: str

    @property
    def workspace(self) -> str:
        return f"/v1/workspaces/{self.workspace_id}"

    def video_path(self, video_id: str) -> str:
        return f"{self.workspace}/videos/{video_id}"

    def announce(self, file: Path, size_bytes: int | None = None) -> dict[str, Any]:
        """Create a video for a file; its presigned POST is in `upload`."""
        body = {
            "file_name": file.name,
            "content_type": "video/mp4",
            "size_bytes": file.stat().st_size if size_bytes is None else size_bytes,
        }
        created: dict[str, Any] = self.api.post(f"{self.workspace}/videos", body)
        return created

    def upload(self, file: Path) -> dict[str, Any]:
        """Upload a file and wait until it was looked at; returns the video."""
        created = self.announce(file)
        answer = upload(created["upload"], file)
        assert answer.is_success, answer.text
        path = self.video_path(created["video"]["video_id"])
        video: dict[str, Any] = settled(lambda: self.api.get(path), lambda one: one["status"] != "awaiting_upload")
        return video

    def uploaded(self, file: Path) -> str:
        video = self.upload(file)
        assert video["status"] == "uploaded", video
        video_id: str = video["video_id"]
        return video_id

    def request_analysis(
        self, video_id: str, features: Sequence[str] | None = None, *, key: str | None = None
    ) -> httpx.Response:
        """Without features the default ones are meant."""
        wish = {} if features is None else {"features": features}
        return self.api.send("POST", f"{self.video_path(video_id)}/analyses", wish, key=key or secrets.token_hex(8))

    def requested(self, video_id: str, features: Sequence[str] | None = None) -> str:
        answer = self.request_analysis(video_id, features)
        assert answer.status_code == 202, answer.text
        analysis_id: str = answer.json()["analysis_id"]
        return analysis_id

    def analysis(self, video_id: str, analysis_id: str) -> dict[str, Any]:
        analysis: dict[str, Any] = self.api.get(f"{self.video_path(video_id)}/analyses/{analysis_id}")
        return analysis

    def ended_analysis(self, video_id: str, analysis_id: str) -> dict[str, Any]:
        ended: dict[str, Any] = settled(
            lambda: self.analysis(video_id, analysis_id), lambda one: one["status"] in ENDED
        )
        return ended

    def credits(self) -> dict[str, tuple[int, int]]:
        """Balance and hold of each feature."""
        pools = self.api.get(f"{self.workspace}/credits")["items"]
        return {pool["feature_code"]: (pool["balance"], pool["held"]) for pool in pools}

    def ledger(self, kind: str) -> list[dict[str, Any]]:
        entries = self.api.get(f"{self.workspace}/ledger", limit=100)["items"]
        return [entry for entry in entries if entry["kind"] == kind]


@contextmanager
def new_customer(stack: LocalStack) -> Iterator[Customer]:
    with ApiClient(stack.outputs["api_url"]) as api:
        email, password = f"e2e-{secrets.token_hex(8)}@example.com", secrets.token_urlsafe(16)
        api.post("/v1/users", {"email": email, "password": password, "name": "E2E"})
        session = api.log_in(email, password)
        workspace = api.post("/v1/workspaces", {"name": "Studio"})
        yield Customer(api, session, workspace["workspace_id"])


def settled(read: Callable[[], Any], is_settled: Callable[[Any], bool], seconds: float = SETTLED_SECONDS) -> Any:
    """What is read once it has settled. Fails with what was read last."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if is_settled(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
