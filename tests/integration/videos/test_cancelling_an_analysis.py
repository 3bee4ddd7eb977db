from typing import Any

import pytest

from functions.analysis.lease import AnalysisFinished, DynamoLeaseTable, Lease, LeaseLost
from functions.videos.commands import cancel_analysis
from functions.videos.events import AnalysisCancelled, AnalysisRequested
from functions.videos.subscribers import submit_analysis, terminate_cancelled_jobs
from shared.messaging.envelope import Envelope
from tests.support.aws import Aws
from tests.support.batch import FakeBatch
from tests.support.http import Caller
from tests.support.queues import deliver, from_bus
from tests.support.videos import Studio
from tests.support.workspaces import open_workspace


class Begun:
    """An analysis that waits for its machine."""

    def __init__(self, aws: Aws, clip: bytes) -> None:
        self.aws = aws
        self.batch = FakeBatch()
        aws.fakes["batch"] = self.batch
        self.studio = Studio(aws)
        self.pools = self.studio.pools()
        self.video_id = self.studio.uploaded_video(clip)
        self.analysis_id = self.studio.requested_analysis(self.video_id)

    def cancel(self) -> Any:
        answer = self.studio.cancel_analysis(self.video_id, self.analysis_id)
        assert answer.status == 202, answer
        assert answer.headers["location"] == f"{self.studio.analyses_path(self.video_id)}/{self.analysis_id}"
        return answer.json

    def take_lease(self, process: str) -> Lease:
        table = DynamoLeaseTable(
            self.aws.client("dynamodb"),
            self.aws.settings.table("ephemeral"),
            f"analysis#{self.studio.workspace_id}#{self.analysis_id}",
        )
        return Lease.take(table, token=process, owner="job-1", attempt=1, now=self.aws.clock.now)

    def event(self, name: str) -> Envelope:
        (event,) = [event for event in self.aws.events(name) if event.data["analysis_id"] == self.analysis_id]
        return event


@pytest.fixture
def begun(aws: Aws, clip: bytes) -> Begun:
    return Begun(aws, clip)


def test_a_cancelled_analysis_costs_nothing(begun: Begun) -> None:
    shown = begun.cancel()

    assert (shown["status"], shown["credits_held"], shown["credits_charged"]) == ("cancelled", 0, 0)
    assert begun.studio.analysis(begun.video_id, begun.analysis_id) == shown
    assert begun.studio.pools() == begun.pools
    assert begun.studio.video(begun.video_id)["status"] == "uploaded"
    assert begun.event("AnalysisCancelled").data["video_id"] == begun.video_id


@pytest.mark.parametrize("end", ["completed", "failed", "cancelled"])
def test_what_has_ended_isnt_cancelled(begun: Begun, end: str) -> None:
    match end:
        case "completed":
            begun.studio.tell_outcome(begun.video_id, begun.analysis_id, manifest_key="k", duration_ms=1500)
        case "failed":
            begun.studio.tell_outcome(begun.video_id, begun.analysis_id, reason="corrupt", detail="Damaged.")
        case _:
            begun.cancel()
    ended, pools = begun.studio.analysis(begun.video_id, begun.analysis_id), begun.studio.pools()

    refused = begun.studio.cancel_analysis(begun.video_id, begun.analysis_id)

    assert (refused.status, refused.problem) == (409, "conflict")
    assert end in refused.json["detail"]
    assert begun.studio.analysis(begun.video_id, begun.analysis_id) == ended
    assert begun.studio.pools() == pools


def test_what_the_worker_says_after_the_cancellation_changes_nothing(begun: Begun) -> None:
    shown = begun.cancel()

    assert begun.studio.tell_outcome(begun.video_id, begun.analysis_id, manifest_key="k", duration_ms=1500)

    assert begun.studio.analysis(begun.video_id, begun.analysis_id) == shown
    assert begun.studio.pools() == begun.pools
    assert begun.aws.events("AnalysisCompleted") == []


def test_a_running_worker_finds_its_lease_gone(begun: Begun) -> None:
    lease = begun.take_lease("worker")
    lease.renew()

    begun.cancel()

    with pytest.raises(LeaseLost):
        lease.renew()


def test_a_worker_that_comes_later_has_nothing_to_do(begun: Begun) -> None:
    begun.cancel()

    with pytest.raises(AnalysisFinished):
        begun.take_lease("late")


def test_a_waiting_job_is_ended(begun: Begun) -> None:
    deliver(submit_analysis.SUBSCRIBER, from_bus(begun.event(AnalysisRequested.detail_type())), begun.aws.runtime)
    begun.cancel()
    cancelled = from_bus(begun.event(AnalysisCancelled.detail_type()))

    assert deliver(terminate_cancelled_jobs.SUBSCRIBER, cancelled, begun.aws.runtime)
    assert deliver(terminate_cancelled_jobs.SUBSCRIBER, cancelled, begun.aws.runtime)

    assert begun.batch.terminated == ["job-1"]


def test_jobs_of_other_analyses_go_on(begun: Begun, clip: bytes) -> None:
    deliver(submit_analysis.SUBSCRIBER, from_bus(begun.event(AnalysisRequested.detail_type())), begun.aws.runtime)
    begun.cancel()
    cancelled = from_bus(begun.event(AnalysisCancelled.detail_type()))
    rerun = begun.studio.requested_analysis(begun.video_id, key="again")
    (requested,) = [one for one in begun.aws.events("AnalysisRequested") if one.data["analysis_id"] == rerun]
    deliver(submit_analysis.SUBSCRIBER, from_bus(requested), begun.aws.runtime)

    deliver(terminate_cancelled_jobs.SUBSCRIBER, cancelled, begun.aws.runtime)

    assert begun.batch.terminated == ["job-1"]
    assert begun.studio.analysis(begun.video_id, rerun)["status"] == "queued"


def test_a_cancelled_rerun_leaves_the_results_there_were(begun: Begun) -> None:
    begun.studio.tell_outcome(begun.video_id, begun.analysis_id, manifest_key="k", duration_ms=1500)
    rerun = begun.studio.requested_analysis(begun.video_id, key="again")
    assert begun.studio.video(begun.video_id)["status"] == "analysing"

    assert begun.studio.cancel_analysis(begun.video_id, rerun).status == 202

    video = begun.studio.video(begun.video_id)
    assert (video["status"], video["current_analysis_id"]) == ("ready", begun.analysis_id)


def test_a_completed_rerun_takes_the_place_of_the_first(begun: Begun) -> None:
    begun.studio.tell_outcome(begun.video_id, begun.analysis_id, manifest_key="k", duration_ms=1500)
    rerun = begun.studio.requested_analysis(begun.video_id, key="again")

    begun.studio.tell_outcome(begun.video_id, rerun, manifest_key="k", duration_ms=1500)

    assert begun.studio.video(begun.video_id)["current_analysis_id"] == rerun
    assert begun.studio.analysis(begun.video_id, begun.analysis_id)["status"] == "completed"


def test_another_workspaces_analysis_is_not_found(begun: Begun) -> None:
    other = open_workspace(begun.aws)
    path = f"{other.path}/videos/{begun.video_id}/analyses/{begun.analysis_id}/cancellation"

    refused = Caller(begun.aws.runtime, other.owner).send(cancel_analysis.ENDPOINT, path)

    assert refused.status == 404
    assert begun.studio.analysis(begun.video_id, begun.analysis_id)["status"] == "queued"
