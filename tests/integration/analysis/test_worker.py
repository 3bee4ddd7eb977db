"""The whole worker on small clips, with S3, DynamoDB and SQS emulated."""

import io
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import botocore.session
import numpy as np
import pytest
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator
from moto import mock_aws
from numpy.typing import NDArray

from functions.analysis.analyzers import Analyzer, Findings, Resumable
from functions.analysis.analyzers.things import Detector, ThingAnalyzer
from functions.analysis.analyzers.tracking import Detection
from functions.analysis.completion import QueueCompletion
from functions.analysis.decode import VideoInfo
from functions.analysis.documents import ResultStore
from functions.analysis.failures import FailureReason
from functions.analysis.frames import Frame
from functions.analysis.job import Attempt, Job, Mode, Stage
from functions.analysis.lease import DynamoLeaseTable, Lease
from functions.analysis.models import SERVED, load_analyzers
from functions.analysis.pipeline import AnalyzerFactory
from functions.analysis.sound import Sound
from functions.analysis.worker import DONE, TRY_AGAIN, Surroundings, analysis_pk, run
from functions.videos.domain.results import (
    Manifest,
    ModelUsed,
    Moment,
    MomentKind,
    Moments,
    SpeechSegment,
    Timeline,
    Transcript,
    results_prefix,
)
from functions.videos.messages import CompleteAnalysis
from tests.support.clips import music, synthetic_cuts, write_sound

JOB = Job(
    workspace_id="0198c0de-0000-7000-8000-000000000001",
    video_id="0198c0de-0000-7000-8000-000000000002",
    analysis_id="0198c0de-0000-7000-8000-000000000003",
    upload_key="upload",
    features=("shots",),
    mode="fast",
    correlation_id="0198c0de-0000-7000-8000-000000000004",
    causation_id="0198c0de-0000-7000-8000-000000000005",
    deadline_at=datetime(2100, 1, 1, tzinfo=UTC),
)
FIRST = Attempt(AWS_BATCH_JOB_ID="job-1", AWS_BATCH_JOB_ATTEMPT=1)
SECOND = Attempt(AWS_BATCH_JOB_ID="job-1", AWS_BATCH_JOB_ATTEMPT=2)
OTHER_JOB = Attempt(AWS_BATCH_JOB_ID="job-2", AWS_BATCH_JOB_ATTEMPT=1)


class Killed(BaseException):
    """The process is gone; nothing of it runs any more."""


class LengthEmbedder:
    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        rows = np.zeros((len(texts), 384), dtype=np.float32)
        rows[np.arange(len(texts)), [len(text) % 384 for text in texts]] = 1
        return rows


class SayingAnalyzer(Resumable):
    """Finds what it is told to, and calls `at_frame` for every frame."""

    name = "speech"
    features = frozenset({"speech"})
    slow = False
    models = (ModelUsed(analyzer="speech", model="said", version="1"),)
    lent = frozenset({"_at_frame"})

    def __init__(self, said: Sequence[SpeechSegment], at_frame: Callable[[int], None]) -> None:
        self._said = tuple(said)
        self._at_frame = at_frame

    def see(self, frame: Frame) -> None:
        self._at_frame(frame.index)

    def hear(self, sound: Sound) -> None:
        pass

    def finish(self, duration_ms: int) -> Findings:
        return Findings(speech=self._said)


class NothingFound:
    models: tuple[ModelUsed, ...] = ()
    side = 320

    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        return []


class BrokenDetector(NothingFound):
    def detect(self, picture: NDArray[np.uint8]) -> list[Detection]:
        raise ZeroDivisionError


class Time:
    def __init__(self) -> None:
        self.moment = datetime(2026, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment


@dataclass
class Cloud:
    s3: Any
    dynamodb: Any
    sqs: Any
    stage: Stage
    time: Time = field(default_factory=Time)
    interrupted: threading.Event = field(default_factory=threading.Event)
    at_frame: Callable[[int], None] = lambda index: None
    said: tuple[SpeechSegment, ...] = ()
    detectors: Mapping[str, Detector] = field(default_factory=dict[str, Detector])
    load_embedder: Callable[[], LengthEmbedder] = LengthEmbedder

    def upload(self, body: bytes) -> None:
        self.s3.put_object(Bucket=self.stage.uploads_bucket, Key=JOB.upload_key, Body=body)

    def run(self, attempt: Attempt = FIRST, job: Job = JOB) -> int:
        return run(
            job,
            self.stage,
            attempt,
            Surroundings(
                s3=self.s3,
                dynamodb=self.dynamodb,
                completion=QueueCompletion(self.sqs, self.stage.completion_queue_url, job, self.time.now),
                load_analyzers=self._load,
                load_embedder=self.load_embedder,
                clock=self.time,
                interrupted=self.interrupted,
            ),
        )

    def _load(self, features: Iterable[str], mode: Mode) -> AnalyzerFactory:
        make_shots = load_analyzers({"shots"} & set(features), mode)

        def make(info: VideoInfo, results: ResultStore) -> Sequence[Analyzer]:
            things = [
                ThingAnalyzer(name, SERVED[name] & set(features), detector, interval_ms=250)
                for name, detector in self.detectors.items()
            ]
            return [*make_shots(info, results), SayingAnalyzer(self.said, self.at_frame), *things]

        return make

    def messages(self) -> list[dict[str, Any]]:
        found = []
        while batch := self.sqs.receive_message(QueueUrl=self.stage.completion_queue_url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            found += [json.loads(message["Body"]) for message in batch]
        return found

    def result(self, name: str) -> bytes:
        key = results_prefix(JOB.workspace_id, JOB.video_id, JOB.analysis_id) + name
        body: bytes = self.s3.get_object(Bucket=self.stage.results_bucket, Key=key)["Body"].read()
        return body

    def object_names(self, ending: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.stage.results_bucket).get("Contents", [])
        return [one["Key"] for one in found if one["Key"].endswith(ending)]

    def forget(self) -> None:
        """As if nobody had worked on the analysis."""
        for sk in ("lease", "progress"):
            key = {"pk": {"S": analysis_pk(JOB)}, "sk": {"S": sk}}
            self.dynamodb.delete_item(TableName=self.stage.ephemeral_table, Key=key)
        self.messages()

    def share(self) -> float:
        item = self.dynamodb.get_item(
            TableName=self.stage.ephemeral_table, Key={"pk": {"S": analysis_pk(JOB)}, "sk": {"S": "progress"}}
        )["Item"]
        return float(item["share"]["N"])


@pytest.fixture
def cloud(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCOUNT_ID_ENDPOINT_MODE", "disabled")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        session = botocore.session.get_session()
        s3: Any = session.create_client("s3")
        dynamodb: Any = session.create_client("dynamodb")
        sqs: Any = session.create_client("sqs")
        for bucket in ("uploads", "results"):
            s3.create_bucket(Bucket=bucket)
        dynamodb.create_table(
            TableName="ephemeral",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
            BillingMode="PAY_PER_REQUEST",
        )
        queue = sqs.create_queue(QueueName="completion")["QueueUrl"]
        yield Cloud(
            s3,
            dynamodb,
            sqs,
            Stage(
                UPLOADS_BUCKET="uploads",
                RESULTS_BUCKET="results",
                EPHEMERAL_TABLE="ephemeral",
                COMPLETION_QUEUE_URL=queue,
            ),
        )


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path, _ = synthetic_cuts(tmp_path_factory.mktemp("clip") / "cuts.mp4", shots=3, frames_each=24)
    return path.read_bytes()


def segment(number: int, start_ms: int, end_ms: int, text: str) -> SpeechSegment:
    return SpeechSegment(segment_id=f"speech-{number:04}", start_ms=start_ms, end_ms=end_ms, text=text, confidence=0.9)


def test_a_video_becomes_results_progress_and_one_message(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.said = (segment(1, 500, 1500, "Hello there."), segment(2, 2100, 2400, "Goodbye."))
    assert cloud.run(job=JOB.model_copy(update={"features": ("shots", "speech")})) == DONE

    manifest = Manifest.model_validate_json(cloud.result("manifest.json"))
    timeline = Timeline.model_validate_json(cloud.result("timeline.json"))
    moments = Moments.model_validate_json(cloud.result("moments.json")).moments
    vectors = np.load(io.BytesIO(cloud.result("moments.npy")))
    assert [shot.start_frame for shot in timeline.shots] == [0, 24, 48]
    assert [shot.speech for shot in timeline.shots] == [("speech-0001",), ("speech-0001",), ("speech-0002",)]
    assert moments[0] == Moment(
        segment_id="speech-0001", kind=MomentKind.SPEECH, start_ms=500, end_ms=1500, text="Hello there."
    )
    assert vectors.dtype == np.float16
    assert vectors.shape == (2, 384)
    assert [int(row.argmax()) for row in vectors] == [len(moment.text) for moment in moments]
    assert all(cloud.result(name) for name in manifest.files)
    schema, results = json.loads(cloud.result("analysis.schema.json")), json.loads(cloud.result("analysis.json"))
    Draft202012Validator(schema).validate(results)
    assert Transcript.model_validate(results["transcript"]).segments == cloud.said
    assert cloud.result("transcript.srt").decode().startswith("1\n00:00:00,500 --> 00:00:01,500\nHello there.\n\n2\n")
    assert cloud.result("transcript.vtt").startswith(b"WEBVTT\n")
    assert cloud.result("sprite.vtt").decode().count("sprites/sheet-001.jpg#xywh=") == 3
    assert cloud.result("sprites/sheet-001.jpg").startswith(b"\xff\xd8")
    keyframe = cloud.result("keyframes/shot-0001.jpg")
    assert keyframe.startswith(b"\xff\xd8")
    assert cloud.share() == 1
    (message,) = cloud.messages()
    assert message["detail"]["metadata"]["correlation_id"] == JOB.correlation_id
    assert message["detail"]["data"]["duration_ms"] == 3000
    key = message["detail"]["data"]["manifest_key"]
    assert key == results_prefix(JOB.workspace_id, JOB.video_id, JOB.analysis_id) + "manifest.json"


@pytest.mark.parametrize("again", [FIRST, SECOND, OTHER_JOB])
def test_a_finished_analysis_is_not_done_again(cloud: Cloud, clip: bytes, again: Attempt) -> None:
    cloud.upload(clip)
    assert cloud.run() == DONE
    assert cloud.run(again) == DONE
    assert len(cloud.messages()) == 1


def test_a_second_job_leaves_a_running_analysis_alone(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    codes: list[int] = []

    def start_another(index: int) -> None:
        if index == 30:
            codes.append(cloud.run(OTHER_JOB))

    cloud.at_frame = start_another
    assert cloud.run() == DONE
    assert codes == [DONE]
    assert len(cloud.messages()) == 1


def leave_behind(cloud: Cloud, attempt: Attempt) -> None:
    """The lease of a worker that was killed."""
    table = DynamoLeaseTable(cloud.dynamodb, cloud.stage.ephemeral_table, analysis_pk(JOB))
    Lease.take(table, token="gone", owner=attempt.batch_job_id, attempt=attempt.number, now=cloud.time.now)


def test_a_worker_killed_half_way_is_followed_by_its_next_attempt(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    leave_behind(cloud, FIRST)
    assert cloud.run(SECOND) == DONE
    assert len(cloud.messages()) == 1


def test_another_job_follows_a_killed_one_when_its_lease_has_run_out(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    leave_behind(cloud, FIRST)
    assert cloud.run(OTHER_JOB) == DONE
    assert cloud.messages() == []
    cloud.time.moment += timedelta(minutes=2)
    assert cloud.run(OTHER_JOB) == DONE
    assert len(cloud.messages()) == 1


def test_a_worker_that_was_overtaken_sends_nothing(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)

    def be_overtaken(index: int) -> None:
        if index == 30:
            leave_behind(cloud, SECOND)

    cloud.at_frame = be_overtaken
    assert cloud.run(FIRST) == DONE
    assert cloud.messages() == []


def test_an_interrupted_worker_asks_for_another_attempt_and_progress_moves_on(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    shares: list[float] = []

    def interrupt(index: int) -> None:
        cloud.time.moment += timedelta(seconds=0.5)
        if index == 40:
            cloud.interrupted.set()

    cloud.at_frame = interrupt
    assert cloud.run(FIRST) == TRY_AGAIN
    assert cloud.messages() == []
    shares.append(cloud.share())

    def watch(_: int) -> None:
        cloud.time.moment += timedelta(seconds=0.5)
        shares.append(cloud.share())

    cloud.interrupted.clear()
    cloud.at_frame = watch
    assert cloud.run(OTHER_JOB) == DONE
    assert shares == sorted(shares)
    # Never longer than five seconds without a change.
    assert all(later > earlier for earlier, later in zip(shares[1:], shares[11:], strict=False))
    assert len(cloud.messages()) == 1


def documents(cloud: Cloud) -> dict[str, bytes]:
    """All results but the account of the work, which tells of the last attempt alone."""
    manifest = Manifest.model_validate_json(cloud.result("manifest.json"))
    found = {name: cloud.result(name) for name in manifest.files if name != "analysis.json"}
    return {**found, "manifest": manifest.model_copy(update={"work": None}).model_dump_json().encode()}


def test_the_next_attempt_goes_on_from_the_last_finished_chunk(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.stage = cloud.stage.model_copy(update={"chunk_ms": 1_000})
    assert cloud.run() == DONE
    uninterrupted = documents(cloud)
    cloud.forget()
    seen: list[list[int]] = [[], []]

    def interrupt(index: int) -> None:
        seen[0].append(index)
        if index == 60:
            cloud.interrupted.set()

    cloud.at_frame = interrupt
    assert cloud.run(FIRST) == TRY_AGAIN
    cloud.interrupted.clear()
    cloud.at_frame = seen[1].append
    assert cloud.run(SECOND) == DONE

    assert seen == [list(range(61)), list(range(48, 72))]
    assert documents(cloud) == uninterrupted
    assert cloud.object_names("checkpoint") == []


def test_a_checkpoint_of_other_code_or_another_file_is_not_gone_on_from(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.stage = cloud.stage.model_copy(update={"chunk_ms": 1_000})
    cloud.at_frame = lambda index: cloud.interrupted.set() if index == 60 else None
    assert cloud.run(FIRST) == TRY_AGAIN
    cloud.interrupted.clear()
    (name,) = cloud.object_names("checkpoint")
    stored = json.loads(cloud.s3.get_object(Bucket=cloud.stage.results_bucket, Key=name)["Body"].read())
    for change in ({"code": "older"}, {"picture": 1}, {"position": {**stored["position"], "first_stamp_ms": 1990.0}}):
        body = json.dumps({**stored, **change}).encode()
        cloud.s3.put_object(Bucket=cloud.stage.results_bucket, Key=name, Body=body)
        seen: list[int] = []
        cloud.at_frame = seen.append
        cloud.forget()
        assert cloud.run(SECOND) == DONE
        assert seen == list(range(72))


def test_both_attempts_of_an_analysis_send_the_same_message_id(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.run()
    cloud.dynamodb.delete_item(
        TableName=cloud.stage.ephemeral_table, Key={"pk": {"S": analysis_pk(JOB)}, "sk": {"S": "lease"}}
    )
    cloud.run(SECOND)
    first, second = cloud.messages()
    assert first["detail"]["metadata"]["message_id"] == second["detail"]["metadata"]["message_id"]


def test_a_service_out_of_reach_is_tried_again(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)

    def lose_the_bucket(index: int) -> None:
        if index == 71:
            raise ClientError({"Error": {"Code": "SlowDown", "Message": ""}}, "PutObject")

    cloud.at_frame = lose_the_bucket
    assert cloud.run(FIRST) == TRY_AGAIN
    cloud.at_frame = lambda index: None
    assert cloud.run(OTHER_JOB) == DONE
    assert len(cloud.messages()) == 1


def break_down(_: int) -> None:
    raise ZeroDivisionError


def test_an_analyzer_that_breaks_down_takes_its_own_feature_alone(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.said = (segment(1, 500, 1500, "Hello there."),)
    cloud.at_frame = break_down
    assert cloud.run(job=JOB.model_copy(update={"features": ("shots", "speech")})) == DONE

    manifest = Manifest.model_validate_json(cloud.result("manifest.json"))
    assert (manifest.features, manifest.failed_features) == (("shots",), ("speech",))
    assert "transcript.json" not in manifest.files
    assert manifest.counts.shots == 3
    (message,) = cloud.messages()
    (failed,) = CompleteAnalysis.model_validate(message["detail"]["data"]).failed_features
    assert (failed.feature, failed.reason) == ("speech", FailureReason.ANALYZER_FAILED)
    assert failed.detail.endswith(".")


@pytest.mark.parametrize(
    ("broken", "done", "failed"),
    [("faces", ("shots", "objects"), ("people",)), ("objects", ("shots",), ("people", "objects"))],
)
def test_a_detector_that_breaks_down_takes_what_isnt_whole_without_it(
    cloud: Cloud, clip: bytes, broken: str, done: tuple[str, ...], failed: tuple[str, ...]
) -> None:
    cloud.upload(clip)
    cloud.detectors = {"objects": NothingFound(), "faces": NothingFound(), broken: BrokenDetector()}
    assert cloud.run(job=JOB.model_copy(update={"features": ("shots", "people", "objects")})) == DONE

    manifest = Manifest.model_validate_json(cloud.result("manifest.json"))
    assert (manifest.features, manifest.failed_features) == (done, failed)
    assert ("objects.json" in manifest.files, "people.json" in manifest.files) == ("objects" in done, False)
    (message,) = cloud.messages()
    told = CompleteAnalysis.model_validate(message["detail"]["data"]).failed_features
    assert tuple(one.feature for one in told) == failed


def test_an_analysis_of_which_nothing_is_left_fails(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    cloud.at_frame = break_down
    assert cloud.run(job=JOB.model_copy(update={"features": ("speech",)})) == DONE
    assert reason_sent(cloud) == FailureReason.ANALYZER_FAILED


def test_a_defect_of_the_worker_is_not_hidden_and_frees_the_lease(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)

    def no_embedder() -> LengthEmbedder:
        raise ZeroDivisionError

    cloud.load_embedder = no_embedder
    with pytest.raises(ZeroDivisionError):
        cloud.run(FIRST)
    cloud.load_embedder = LengthEmbedder
    assert cloud.run(OTHER_JOB) == DONE


def reason_sent(cloud: Cloud) -> str:
    (message,) = cloud.messages()
    data = message["detail"]["data"]
    assert data["detail"].endswith(".")
    # As the receiver understands it.
    assert CompleteAnalysis.model_validate(data).reason == data["reason"]
    return str(data["reason"])


def test_a_bad_upload_is_reported_with_its_reason_once(cloud: Cloud) -> None:
    cloud.upload(b"This is not a video.\n" * 100)
    assert cloud.run() == DONE
    assert reason_sent(cloud) == FailureReason.NOT_A_VIDEO
    assert cloud.run(SECOND) == DONE
    assert cloud.messages() == []


def test_an_empty_upload_is_reported(cloud: Cloud) -> None:
    cloud.upload(b"")
    assert cloud.run() == DONE
    assert reason_sent(cloud) == FailureReason.EMPTY_FILE


def test_a_missing_upload_is_reported(cloud: Cloud) -> None:
    assert cloud.run() == DONE
    assert reason_sent(cloud) == FailureReason.UPLOAD_MISSING


def test_an_upload_replaced_since_the_request_is_not_analysed(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    etag = cloud.s3.head_object(Bucket=cloud.stage.uploads_bucket, Key=JOB.upload_key)["ETag"]
    job = JOB.model_copy(update={"upload_etag": etag})
    cloud.upload(clip + b"more")
    assert cloud.run(job=job) == DONE
    assert reason_sent(cloud) == FailureReason.UPLOAD_CHANGED


def test_the_upload_that_was_requested_is_analysed(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    etag = cloud.s3.head_object(Bucket=cloud.stage.uploads_bucket, Key=JOB.upload_key)["ETag"]
    assert cloud.run(job=JOB.model_copy(update={"upload_etag": etag})) == DONE
    (message,) = cloud.messages()
    assert CompleteAnalysis.model_validate(message["detail"]["data"]).manifest_key is not None


def test_sound_alone_is_reported(cloud: Cloud, tmp_path: Path) -> None:
    cloud.upload(write_sound(tmp_path / "a.mp4", music(1)).read_bytes())
    assert cloud.run() == DONE
    assert reason_sent(cloud) == FailureReason.NO_VIDEO_STREAM


def test_a_feature_that_is_not_built_is_reported(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)
    assert cloud.run(job=JOB.model_copy(update={"features": ("shots", "colour")})) == DONE
    assert reason_sent(cloud) == FailureReason.UNSUPPORTED_FEATURE


def test_a_model_that_was_not_converted_is_reported(
    cloud: Cloud, clip: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("functions.analysis.converted.MODELS_FOLDER", tmp_path)
    cloud.upload(clip)
    assert cloud.run(job=JOB.model_copy(update={"mode": "accurate"})) == DONE
    assert reason_sent(cloud) == FailureReason.MODEL_MISSING


def test_the_deadline_ends_the_work(cloud: Cloud, clip: bytes) -> None:
    cloud.upload(clip)

    def dawdle(_: int) -> None:
        cloud.time.moment += timedelta(minutes=1)

    cloud.at_frame = dawdle
    deadline = cloud.time.moment + timedelta(minutes=20)
    assert cloud.run(job=JOB.model_copy(update={"deadline_at": deadline})) == DONE
    assert reason_sent(cloud) == FailureReason.DEADLINE_EXCEEDED


def test_a_process_without_a_job_says_so_and_stops() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "functions.analysis"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert done.returncode == os.EX_USAGE
    assert "Traceback" not in done.stderr
