"""What holds of each resource in each stage, of the project's own functions as of any other."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from infra.assets import BuiltFolder
from infra.stages import STAGES
from tests.infra.conftest import CONTEXT, Synthesise
from tests.infra.templates import Templates, as_list, statements

pytestmark = pytest.mark.xdist_group("infra")

# Actions that AWS authorises on no resource.
RESOURCELESS = {
    "batch:ListJobs",
    "dynamodb:ListStreams",
    "ecr:GetAuthorizationToken",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}
# The emulator can't tell what a call of Batch is about.
RESOURCELESS_IN_THE_EMULATOR = {"batch:CancelJob", "batch:SubmitJob", "batch:TerminateJob"}
CLOUD = re.compile(r"^visionscope-(dev|prod)-")


@pytest.fixture(
    scope="module",
    params=["made up, local", "made up, dev", "made up, prod", "project, local", "project, prod"],
)
def templates(request: pytest.FixtureRequest, made_up: Synthesise, project: Synthesise) -> Templates:
    kind, stage = str(request.param).split(", ")
    return (project if kind == "project" else made_up)(stage)


def test_every_function_has_a_role_of_its_own(templates: Templates) -> None:
    roles = [(one.stack, str(one.properties["Role"])) for one in templates.all("AWS::Lambda::Function")]
    assert roles
    assert len(set(roles)) == len(roles)


def test_every_function_has_its_log_group_with_an_end(templates: Templates) -> None:
    for function in templates.all("AWS::Lambda::Function"):
        group = templates.referred(function.stack, function.properties["LoggingConfig"]["LogGroup"])
        assert group.properties["LogGroupName"] == f"/aws/lambda/{function.properties['FunctionName']}"
        assert group.properties["RetentionInDays"] > 0


def test_no_role_has_more_than_its_own_resources(templates: Templates) -> None:
    for role in templates.all("AWS::IAM::Role"):
        for statement in statements(role):
            assert statement["Effect"] == "Allow"
            allowed = set(as_list(statement["Action"]))
            assert not {action for action in allowed if "*" in action}, role.logical_id
            if "*" in as_list(statement["Resource"]):
                known = RESOURCELESS if CLOUD.search(role.stack) else RESOURCELESS | RESOURCELESS_IN_THE_EMULATOR
                assert allowed <= known, role.logical_id


def test_no_policy_is_attached_beside_the_roles(templates: Templates) -> None:
    functions = {str(one.properties["Role"]) for one in templates.all("AWS::Lambda::Function")}
    for policy in templates.all("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"):
        assert not functions & {str(role) for role in policy.properties.get("Roles", [])}
    for role in templates.all("AWS::IAM::Role"):
        if "lambda.amazonaws.com" in str(role.properties["AssumeRolePolicyDocument"]):
            assert "ManagedPolicyArns" not in role.properties


def test_every_queue_ends_in_dead_letters_kept_14_days(templates: Templates) -> None:
    queues = templates.all("AWS::SQS::Queue")
    assert queues
    ends = {"-dlq", "-undelivered", "-failures"}
    for queue in queues:
        name = str(queue.properties["QueueName"])
        if any(name.endswith(end) for end in ends):
            assert queue.properties["MessageRetentionPeriod"] == 14 * 24 * 3600
        else:
            target = queue.properties["RedrivePolicy"]["deadLetterTargetArn"]
            assert templates.referred(queue.stack, target).properties["QueueName"] == f"{name}-dlq"
        assert queue.properties["SqsManagedSseEnabled"] is True


def test_every_rule_target_has_dead_letters(templates: Templates) -> None:
    rules = templates.all("AWS::Events::Rule")
    assert rules
    for rule in rules:
        if rule.stack.endswith("-messaging"):
            continue  # the archive's own, whose target is the archive
        for target in rule.properties["Targets"]:
            queue = templates.referred(rule.stack, target["DeadLetterConfig"]["Arn"])
            assert str(queue.properties["QueueName"]).endswith("-undelivered")


def test_every_mapping_reports_failures_one_by_one(templates: Templates) -> None:
    mappings = templates.all("AWS::Lambda::EventSourceMapping")
    assert mappings
    for mapping in mappings:
        assert mapping.properties["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_bucket_is_private_and_encrypted(templates: Templates) -> None:
    buckets = templates.all("AWS::S3::Bucket")
    assert len(buckets) == 3
    for bucket in buckets:
        assert set(bucket.properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert bucket.properties["BucketEncryption"]
        assert bucket.properties["LifecycleConfiguration"]


def test_every_table_can_be_restored(templates: Templates) -> None:
    tables = templates.all("AWS::DynamoDB::GlobalTable")
    assert len(tables) == 5
    for table in tables:
        (replica,) = table.properties["Replicas"]
        assert replica["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert table.properties["SSESpecification"]["SSEEnabled"] is True
        assert table.properties["BillingMode"] == "PAY_PER_REQUEST"


def test_routes_that_are_not_public_pass_the_authorizer(templates: Templates) -> None:
    routes = templates.all("AWS::ApiGatewayV2::Route")
    authorized = [one for one in routes if one.properties.get("AuthorizationType") == "CUSTOM"]
    assert authorized
    for route in routes:
        assert (route in authorized) == bool(route.properties.get("AuthorizerId"))


def test_route_keys_and_names_are_unique(templates: Templates) -> None:
    keys = [one.properties["RouteKey"] for one in templates.all("AWS::ApiGatewayV2::Route")]
    assert len(set(keys)) == len(keys)
    names = [one.properties["FunctionName"] for one in templates.all("AWS::Lambda::Function")]
    assert len(set(names)) == len(names)


def test_outputs_are_unique_over_all_stacks(templates: Templates) -> None:
    names = [
        name
        for stack in templates.stacks
        for name in templates.template(stack).get("Outputs", {})
        if not name.startswith("ExportsOutput")
    ]
    assert len(set(names)) == len(names)
    assert {"ApiId", "BusName", "DataTable", "UploadsBucket"} <= set(names)


def test_nothing_is_bound_to_an_account(templates: Templates) -> None:
    manifest = _manifest(templates)
    stacks = [one for one in manifest["artifacts"].values() if one["type"] == "aws:cloudformation:stack"]
    assert {one["environment"] for one in stacks} == {"aws://unknown-account/unknown-region"}
    assert not manifest.get("missing")


def test_a_template_that_cloudformation_would_refuse_fails_the_synthesis(folder: BuiltFolder, tmp_path: Path) -> None:
    from aws_cdk import App, Stack
    from aws_cdk.aws_batch import CfnJobQueue

    from infra.app import Functions, build

    nothing = Functions(
        declared=[], authorizer=None, fallback=None, code=lambda _context, _generated: folder, layers={}
    )
    app = App(context=CONTEXT, outdir=str(tmp_path))
    build(app, STAGES["dev"], nothing)
    CfnJobQueue(Stack(app, "Broken"), "Queue", priority=-1)
    with pytest.raises(RuntimeError, match="Priority: -1 is less than the minimum"):
        app.synth()


def _manifest(templates: Templates) -> dict[str, Any]:
    manifest: dict[str, Any] = json.loads((templates.assembly / "manifest.json").read_bytes())
    return manifest


def test_no_function_can_change_or_remove_an_entry_of_the_audit_trail(templates: Templates) -> None:
    allowed = {
        action
        for role in templates.all("AWS::IAM::Role")
        for statement in statements(role)
        if "audit-table" in (table := str(statement["Resource"]).lower()) or "audittable" in table
        for action in as_list(statement["Action"])
    }
    assert allowed <= {
        "dynamodb:BatchGetItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
    }
    if any("identity" in stack for stack in templates.stacks):
        assert "dynamodb:PutItem" in allowed
