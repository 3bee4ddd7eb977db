import json
from typing import Any

import pytest

from shared.messaging.routing import QUEUES, QueueClass
from tests.infra.conftest import Synthesise
from tests.infra.templates import Resource, Templates, actions, as_list, statements

pytestmark = pytest.mark.xdist_group("infra")


def rule(templates: Templates, name: str) -> Resource:
    (found,) = [one for one in templates.all("AWS::Events::Rule") if one.logical_id.startswith(name.replace("-", ""))]
    return found


def mapping_of(templates: Templates, handler: str) -> Resource:
    function = templates.function(handler)
    names = {function.logical_id}
    for alias in templates.all("AWS::Lambda::Alias"):
        if alias.properties["FunctionName"] == {"Ref": function.logical_id}:
            names = {alias.logical_id}
    (found,) = [
        one
        for one in templates.all("AWS::Lambda::EventSourceMapping")
        if any(f'"{name}"' in json.dumps(one.properties["FunctionName"]) for name in names)
    ]
    return found


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_a_subscriber_reads_its_own_queue_by_the_numbers_of_its_class(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    settings = QUEUES[QueueClass.NOTIFICATIONS]
    queue = templates.one("AWS::SQS::Queue", QueueName=f"visionscope-{stage}-notifications-admire-fence")
    mapping = mapping_of(templates, "fences.subscribers.on_fence_painted")
    assert queue.properties["VisibilityTimeout"] == settings.visibility_seconds
    assert queue.properties["RedrivePolicy"]["maxReceiveCount"] == settings.max_receive_count
    assert templates.referred(mapping.stack, mapping.properties["EventSourceArn"]) == queue
    assert mapping.properties["BatchSize"] == settings.batch_size
    assert mapping.properties["ScalingConfig"] == {"MaximumConcurrency": settings.max_concurrency}


def test_a_subscriber_sends_anew_to_its_own_queue_alone_and_a_tap_to_none(made_up: Synthesise) -> None:
    templates = made_up("dev")
    subscriber = templates.role_of(templates.function("fences.subscribers.on_fence_painted"))
    (sending,) = [one for one in statements(subscriber) if "sqs:SendMessage" in as_list(one["Action"])]
    queue = templates.one("AWS::SQS::Queue", QueueName="visionscope-dev-notifications-admire-fence")
    assert templates.referred(queue.stack, sending["Resource"]) == queue
    assert "sqs:SendMessage" not in actions(templates.role_of(templates.function("gates.subscribers.log_events")))


def test_an_integration_event_comes_from_the_bus_by_its_contract(made_up: Synthesise) -> None:
    pattern = rule(made_up("dev"), "notifications-admire-fence-rule")
    assert pattern.properties["EventPattern"] == {"source": ["visionscope.fences"], "detail-type": ["FencePainted"]}
    assert "EventBusName" in pattern.properties


def test_a_tap_gets_every_event_of_the_bus(made_up: Synthesise) -> None:
    pattern = rule(made_up("dev"), "analytics-log-events-rule")
    assert pattern.properties["EventPattern"] == {"source": [{"prefix": ""}]}
    assert "EventBusName" in pattern.properties


def test_uploads_of_other_buckets_are_not_ours(made_up: Synthesise) -> None:
    templates = made_up("dev")
    pattern = rule(templates, "video-processing-complete-upload-rule")
    (bucket,) = pattern.properties["EventPattern"]["detail"]["bucket"]["name"]
    assert "uploadsbucket" in bucket["Fn::ImportValue"]
    assert "EventBusName" not in pattern.properties
    (uploads,) = [one for one in templates.all("AWS::S3::Bucket") if one.logical_id.startswith("uploadsbucket")]
    notified = uploads.properties["NotificationConfiguration"]
    assert notified == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}


def test_in_the_cloud_the_end_of_a_job_comes_from_batch(made_up: Synthesise) -> None:
    pattern = rule(made_up("dev"), "video-processing-fail-analysis-rule").properties
    assert pattern["EventPattern"]["source"] == ["aws.batch"]
    assert pattern["EventPattern"]["detail"]["status"] == ["FAILED"]
    assert "job-queue/visionscope-dev-analysis" in json.dumps(pattern["EventPattern"]["detail"]["jobQueue"])
    assert "InputTransformer" not in pattern["Targets"][0]


def test_locally_the_runners_events_look_like_those_of_batch(made_up: Synthesise) -> None:
    pattern = rule(made_up("local"), "video-processing-fail-analysis-rule").properties
    assert pattern["EventPattern"]["source"] == ["local.batch"]
    template: str = pattern["Targets"][0]["InputTransformer"]["InputTemplate"]
    assert '"source":"aws.batch"' in template
    assert '"detail-type":"Batch Job State Change"' in template
    assert pattern["Targets"][0]["InputTransformer"]["InputPathsMap"].keys() >= {"id", "time", "detail"}


def test_a_queued_command_has_a_queue_and_no_rule(made_up: Synthesise) -> None:
    templates = made_up("dev")
    assert templates.one("AWS::SQS::Queue", QueueName="visionscope-dev-video-processing-complete-analysis")
    assert not [one for one in templates.all("AWS::Events::Rule") if "completeanalysis" in one.logical_id]


@pytest.mark.parametrize("stage", ["local", "prod"])
def test_a_poison_record_of_the_stream_ends_apart_and_holds_up_nothing(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    mapping = mapping_of(templates, "gates.subscribers.publish_outbox").properties
    assert mapping["BisectBatchOnFunctionError"] is True
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert 0 < mapping["MaximumRetryAttempts"] <= 10
    assert 60 <= mapping["MaximumRecordAgeInSeconds"] <= 24 * 3600
    assert json.loads(mapping["FilterCriteria"]["Filters"][0]["Pattern"]) == {"eventName": ["INSERT"]}
    assert mapping["ParallelizationFactor"] == (1 if stage == "local" else 10)
    failures = templates.one("AWS::SQS::Queue", QueueName=f"visionscope-{stage}-publish-outbox-failures")
    destination = mapping["DestinationConfig"]["OnFailure"]["Destination"]
    assert templates.referred(failures.stack, destination) == failures
    assert "sqs:SendMessage" in actions(templates.role_of(templates.function("gates.subscribers.publish_outbox")))


def test_a_schedule_runs_at_its_rate(made_up: Synthesise) -> None:
    assert rule(made_up("dev"), "sweep-outbox-rule").properties["ScheduleExpression"] == "rate(5 minutes)"


@pytest.mark.parametrize(("stage", "refused"), [("local", False), ("dev", True), ("prod", True)])
def test_plain_http_is_refused_where_there_is_tls(made_up: Synthesise, stage: str, refused: bool) -> None:
    templates = made_up(stage)
    for kind in ("AWS::SQS::Queue", "AWS::S3::Bucket"):
        guarded = [one for one in templates.all(f"{kind}Policy") if _refuses_plain_http(one.properties)]
        assert len(guarded) == (len(templates.all(kind)) if refused else 0)


def _refuses_plain_http(policy: Any) -> bool:
    return any(
        statement["Effect"] == "Deny" and statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
        for statement in policy["PolicyDocument"]["Statement"]
    )


@pytest.mark.parametrize("stage", ["local", "dev"])
def test_dead_letters_raise_an_alarm_where_somebody_watches(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    alarms = {str(one.properties["AlarmName"]): one for one in templates.all("AWS::CloudWatch::Alarm")}
    if stage == "local":
        assert not alarms
        return
    watched = [name for name in alarms if name.endswith("-not-empty")]
    ends = ("-dlq", "-undelivered", "-failures")
    dead = [one for one in templates.all("AWS::SQS::Queue") if one.properties["QueueName"].endswith(ends)]
    assert len(watched) == len(dead)
    assert all(one.properties["AlarmActions"] for one in alarms.values())
    critical = alarms["visionscope-dev-gates-video-processing-complete-analysis-dlq-not-empty"]
    assert "criticalalarms" in json.dumps(critical.properties["AlarmActions"])
    assert "visionscope-dev-gates-publish-outbox-lag" in alarms
    assert "visionscope-dev-api-api-5xx" in alarms
