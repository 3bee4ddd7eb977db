"""Batch is down for a while: no analysis is lost by it, none outlives its deadline, and Batch is left in peace."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import botocore.session
import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.config import Config

from functions.entry import compose_message
from functions.videos.events import AnalysisRequested
from functions.videos.subscribers import expire_analyses, submit_analysis
from shared.aws import clients
from shared.messaging.consumer import QueueFunction
from shared.messaging.routing import QUEUES
from tests.support.aws import REGION, Aws
from tests.support.clock import FakeClock
from tests.support.faults import Call, Fault, Network, body_of, reply
from tests.support.queues import from_bus
from tests.support.videos import Studio

ANALYSES = 6
SETTINGS = QUEUES[submit_analysis.SUBSCRIBER.queue]


@dataclass
class Message:
    body: str
    visible_at: datetime
    deliveries: int = 0


@dataclass
class Queue:
    """A queue in which time passes: delays, visibility, counted deliveries and dead letters."""

    clock: FakeClock
    waiting: list[Message] = field(default_factory=list[Message])
    dead: list[Message] = field(default_factory=list[Message])
    _in_hand: dict[str, Message] = field(default_factory=dict[str, Message])

    def send_message(self, *, MessageBody: str, DelaySeconds: int = 0, **_: str) -> None:  # noqa: N803
        self.waiting.append(Message(MessageBody, self._in(DelaySeconds)))

    def change_message_visibility(self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: str) -> None:  # noqa: N803
        self._in_hand[ReceiptHandle].visible_at = self._in(VisibilityTimeout)

    def hand_out(self, consume: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
        for message in [one for one in self.waiting if one.visible_at <= self.clock.now()]:
            if message.deliveries == SETTINGS.max_receive_count:
                self.waiting.remove(message)
                self.dead.append(message)
                continue
            message.deliveries += 1
            message.visible_at = self._in(SETTINGS.visibility_seconds)
            self._in_hand = {"handle": message}
            record = {
                "messageId": "sqs",
                "receiptHandle": "handle",
                "body": message.body,
                "attributes": {"ApproximateReceiveCount": str(message.deliveries)},
            }
            if not consume({"Records": [record]})["batchItemFailures"]:
                self.waiting.remove(message)

    def _in(self, seconds: int) -> datetime:
        return self.clock.now() + timedelta(seconds=seconds)


class Outage:
    """Analyses that were requested the moment Batch went down, and time."""

    def __init__(self, aws: Aws, clip: bytes, fault: Fault) -> None:
        self.aws = aws
        self.studio = Studio(aws)
        self.fault: Fault | None = fault
        self.invalid = 0
        self.submitted: list[str] = []
        videos = [self.studio.uploaded_video(clip) for _ in range(ANALYSES)]
        self.analyses = [(one, self.studio.requested_analysis(one, key=one)) for one in videos]
        self.network = Network(self._plan, 0, self._take_job)
        self.queue = Queue(aws.clock)
        aws.fakes |= {"batch": self.network.attach(_batch()), "sqs": self.queue}
        for event in aws.events(AnalysisRequested.detail_type()):
            self.queue.send_message(MessageBody=json.dumps(from_bus(event)))

    def _plan(self, _call: Call, _random: Random) -> Fault | None:
        return self.fault

    def _take_job(self, request: AWSPreparedRequest) -> AWSResponse:
        if self.invalid:
            self.invalid -= 1
            return reply(request, 400, {"__type": "ClientException", "message": "no such queue"})
        name = body_of(request)["jobName"]
        self.submitted.append(name)
        return reply(request, 200, {"jobName": name, "jobId": f"job-of-{name}"})

    def pass_time(self, **duration: float) -> None:
        submit = QueueFunction(submit_analysis.SUBSCRIBER, compose_message, lambda: self.aws.runtime)
        until = self.aws.clock.now() + timedelta(**duration)
        while self.aws.clock.now() < until:
            self.queue.hand_out(submit)
            self.aws.clock.advance(seconds=5)
            if self.aws.clock.now().second == 0:
                expire_analyses.ExpireAnalyses(lambda: self.aws.runtime)({})

    @property
    def ends(self) -> set[tuple[str, str | None]]:
        shown = [self.studio.analysis(*one) for one in self.analyses]
        return {(one["status"], one["error"] and one["error"]["reason"]) for one in shown}


def _batch() -> Any:
    config = Config(retries={"mode": "standard", "total_max_attempts": 1})
    return botocore.session.get_session().create_client("batch", region_name=REGION, config=config)


@pytest.fixture(params=[Fault.THROTTLED, Fault.REQUEST_LOST], ids=lambda fault: fault.name.lower())
def outage(aws: Aws, clip: bytes, request: pytest.FixtureRequest) -> Outage:
    return Outage(aws, clip, request.param)


def test_what_was_requested_during_an_outage_is_submitted_after_it(outage: Outage) -> None:
    outage.pass_time(minutes=10)
    assert outage.submitted == []
    # Three open the breaker; then one a minute, and the first sooner, finds out whether Batch is back.
    assert len(outage.network.calls) <= 3 + 10 + 1

    outage.fault = None
    outage.pass_time(minutes=2)

    assert sorted(outage.submitted) == sorted(f"analysis-{analysis_id}" for _, analysis_id in outage.analyses)
    assert (outage.queue.waiting, outage.queue.dead) == ([], [])
    assert outage.ends == {("queued", None)}


def test_an_outage_beyond_the_deadline_ends_what_waits_and_charges_nothing(outage: Outage) -> None:
    outage.pass_time(minutes=18)

    assert outage.ends == {("failed", "deadline_exceeded")}
    assert outage.studio.pools()["transcription"] == (60, 0)
    assert (outage.queue.waiting, outage.queue.dead, outage.submitted) == ([], [], [])


def test_one_message_alone_opens_the_breaker_before_it_is_a_dead_letter(aws: Aws, clip: bytes) -> None:
    outage = Outage(aws, clip, Fault.THROTTLED)
    del outage.queue.waiting[1:]

    outage.pass_time(minutes=10)

    assert len(outage.queue.waiting) == 1
    assert outage.queue.dead == []


def test_a_call_that_gets_no_answer_ends_within_its_functions_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the function is stopped first, and the breaker never learns of it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    config = clients.client("batch").meta.config
    longest_seconds = config.retries["total_max_attempts"] * (config.connect_timeout + config.read_timeout) + 1
    assert longest_seconds + 10 < submit_analysis.SUBSCRIBER.needs.timeout_seconds


def test_a_job_that_batch_will_never_take_still_says_that_batch_is_back(aws: Aws, clip: bytes) -> None:
    outage = Outage(aws, clip, Fault.THROTTLED)
    outage.pass_time(minutes=2)
    outage.fault, outage.invalid = None, 1

    outage.pass_time(minutes=2)

    assert len(outage.submitted) == ANALYSES - 1
    assert outage.ends == {("queued", None), ("failed", "submission_refused")}
