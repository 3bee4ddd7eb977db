"""Videos that are analysed no further, and videos that go, over HTTP."""

import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.customers import Customer, new_customer, settled
from tests.e2e.jobs import job_of, worker_of
from tests.e2e.stacks import LocalStack
from tests.support.clips import captioned, scene, write_clip

RATE = 24


@pytest.fixture
def customer(local_stack: LocalStack) -> Iterator[Customer]:
    with new_customer(local_stack) as someone:
        yield someone


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute with much to read, so that there is time to stop its analysis."""
    size = {"width": 640, "height": 360}
    pictures = [
        picture
        for number in range(60)
        for picture in captioned(scene(number, RATE, pan=1, **size), f"Chapter number {number}", scale=1.2)
    ]
    return write_clip(tmp_path_factory.mktemp("clip") / "chapters.mp4", pictures, rate=RATE)


def test_a_running_analysis_is_cancelled_and_its_worker_stops_within_a_minute(
    customer: Customer, local_stack: LocalStack, clip: Path
) -> None:
    before = customer.credits()
    video_id = customer.uploaded(clip)
    analysis_id = customer.requested(video_id, features=["shots", "text"])
    settled(lambda: customer.analysis(video_id, analysis_id), lambda one: one["status"] == "running")
    job = job_of(local_stack, analysis_id)
    assert job is not None

    path = f"{customer.video_path(video_id)}/analyses/{analysis_id}/cancellation"
    cancelled = customer.api.send("POST", path)

    assert (cancelled.status_code, cancelled.json()["status"]) == (202, "cancelled")
    begun = time.monotonic()
    settled(lambda: worker_of(job["jobId"]), lambda process: process is None, seconds=60)
    assert time.monotonic() - begun < 60
    analysis = customer.analysis(video_id, analysis_id)
    assert (analysis["status"], analysis["credits_charged"]) == ("cancelled", 0)
    assert customer.credits() == before
    assert customer.api.send("POST", path).status_code == 409
    assert customer.request_analysis(video_id, features=["shots"]).status_code == 202


def test_a_deleted_video_is_gone_with_its_files(customer: Customer, local_stack: LocalStack, clip: Path) -> None:
    video_id = customer.uploaded(clip)
    path = customer.video_path(video_id)
    analysis_id = customer.requested(video_id, features=["shots"])
    assert customer.ended_analysis(video_id, analysis_id)["status"] == "completed"
    captions = customer.api.send("GET", f"{path}/sprite")
    assert captions.status_code == 303
    cues = httpx.get(captions.headers["location"], trust_env=False).text
    assert cues.startswith("WEBVTT")
    sheet = next(line for line in cues.splitlines() if "#xywh=" in line)
    assert httpx.get(sheet, trust_env=False).content.startswith(b"\xff\xd8")

    deleted = customer.api.send("DELETE", path)

    assert (deleted.status_code, deleted.json()["status"]) == (202, "deleting")
    assert customer.api.send("GET", f"{path}/timeline").status_code == 404
    settled(lambda: customer.api.send("GET", path).status_code, lambda status: status == 404)
    s3 = local_stack.client("s3")
    for bucket in ("uploads_bucket", "results_bucket"):
        prefix = f"{customer.workspace_id}/{video_id}/"
        assert "Contents" not in s3.list_objects_v2(Bucket=local_stack.outputs[bucket], Prefix=prefix)
