import json
from dataclasses import replace
from pathlib import Path

import pytest
from aws_cdk import App, Stack
from aws_cdk.aws_events import EventBus
from aws_cdk.aws_kms import Key

from functions.resources import ANSWER_MODEL_INVOKE
from infra.assets import BuiltFolder
from infra.grants import Resources, resolve
from shared.aws.grants import Grant
from shared.messaging.routing import FunctionNeeds, QueueClass
from tests.infra.conftest import Synthesise
from tests.infra.templates import Templates, actions, statements

pytestmark = pytest.mark.xdist_group("infra")

LOGS = {"logs:CreateLogStream", "logs:PutLogEvents"}


def allowed(templates: Templates, handler: str) -> set[str]:
    return actions(templates.role_of(templates.function(handler)))


def variables(templates: Templates, handler: str) -> dict[str, object]:
    found: dict[str, object] = templates.function(handler).properties["Environment"]["Variables"]
    return found


def test_a_public_query_reads_and_nothing_else(made_up: Synthesise) -> None:
    templates = made_up("local")
    reads = {"dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query"}
    assert allowed(templates, "fences.queries.list_colours") == LOGS | reads
    assert variables(templates, "fences.queries.list_colours").keys() == {
        "STAGE",
        "SERVICE",
        "LOG_LEVEL",
        "DATA_TABLE",
        "AWS_ACCOUNT_ID_ENDPOINT_MODE",
    }


def test_a_command_may_do_what_its_transaction_and_its_needs_ask_for(made_up: Synthesise) -> None:
    templates = made_up("local")
    assert {"dynamodb:PutItem", "s3:PutObject", "kms:Sign"} <= allowed(templates, "fences.commands.paint_fence")
    assert "s3:GetObject" not in allowed(templates, "fences.commands.paint_fence")
    assert {"DATA_TABLE", "OUTBOX_TABLE", "EPHEMERAL_TABLE", "UPLOADS_BUCKET", "TOKEN_KEY_ID"} <= variables(
        templates, "fences.commands.paint_fence"
    ).keys()


def test_the_outbox_is_appended_to_and_nothing_else(made_up: Synthesise) -> None:
    templates = made_up("local")
    role = templates.role_of(templates.function("fences.commands.paint_fence"))
    (on_outbox,) = [one for one in statements(role) if "outbox" in str(one["Resource"])]
    assert on_outbox["Action"] == "dynamodb:PutItem"


def test_the_publisher_finds_what_is_unpublished_by_its_index(made_up: Synthesise) -> None:
    templates = made_up("local")
    role = templates.role_of(templates.function("gates.subscribers.sweep_outbox"))
    assert "events:PutEvents" in actions(role)
    assert any("/index/unpublished" in str(one["Resource"]) for one in statements(role))


def test_a_submitter_names_its_queue_and_definition(made_up: Synthesise) -> None:
    templates = made_up("prod")
    handler = "gates.subscribers.submit_analysis"
    assert {"batch:SubmitJob", "batch:TerminateJob"} <= allowed(templates, handler)
    assert variables(templates, handler)["ANALYSIS_JOB_QUEUE"] == "visionscope-prod-analysis"
    assert variables(templates, handler)["ANALYSIS_JOB_DEFINITION"] == "visionscope-prod-analysis"


def test_in_the_cloud_functions_start_from_snapshots_and_are_traced(made_up: Synthesise) -> None:
    templates = made_up("prod")
    for function in templates.all("AWS::Lambda::Function"):
        assert function.properties["Runtime"] == "python3.13"
        assert function.properties["Architectures"] == ["arm64"]
        assert function.properties["SnapStart"] == {"ApplyOn": "PublishedVersions"}
        assert function.properties["TracingConfig"] == {"Mode": "Active"}
    aliases = templates.all("AWS::Lambda::Alias")
    assert len(aliases) == len(templates.all("AWS::Lambda::Function"))
    called = {one.logical_id for one in aliases}
    for integration in templates.all("AWS::ApiGatewayV2::Integration"):
        assert integration.properties["IntegrationUri"]["Ref"] in called
    for mapping in templates.all("AWS::Lambda::EventSourceMapping"):
        named = json.dumps(mapping.properties["FunctionName"])
        assert any(f'"{alias}"' in named for alias in called)


def test_a_function_has_the_layers_and_the_size_that_it_asks_for(made_up: Synthesise) -> None:
    templates = made_up("dev")
    searching = templates.function("fences.queries.get_fence")
    assert len(searching.properties["Layers"]) == 2
    assert searching.properties["MemorySize"] == 1024
    assert len(templates.function("fences.queries.list_colours").properties["Layers"]) == 1


def test_a_layer_is_never_shared_between_stacks(made_up: Synthesise) -> None:
    # A version that another stack imports can't be replaced, and each change of a layer replaces it.
    for function in made_up("dev").all("AWS::Lambda::Function"):
        assert all("Ref" in layer for layer in function.properties["Layers"])


def synthesise(folder: BuiltFolder, module: str, declaration: object) -> None:
    from aws_cdk import App

    from infra.app import Functions, build
    from infra.stages import STAGES
    from tests.infra.declarations import declared

    functions = Functions(
        declared=[declared(module, declaration)],
        authorizer=None,
        fallback=None,
        code=lambda _context, _generated: folder,
        layers={"common": folder},
    )
    build(App(), STAGES["local"], functions)


def test_an_unknown_grant_is_named(folder: BuiltFolder) -> None:
    from infra.grants import UnknownGrant
    from tests.infra.declarations import FencePainted, subscriber

    needs = FunctionNeeds(grants=(Grant("uploads", "admire"),))
    asking = subscriber("admire", FencePainted, QueueClass.DEFAULT, needs)
    with pytest.raises(UnknownGrant, match="'uploads' with access 'admire'"):
        synthesise(folder, "fences.subscribers.admire", asking)


def test_a_timeout_that_outlasts_the_visibility_is_refused(folder: BuiltFolder) -> None:
    from infra.stacks.context import VisibilityTooShort
    from tests.infra.declarations import FencePainted, subscriber

    slow = subscriber("doze", FencePainted, QueueClass.DEFAULT, FunctionNeeds(timeout_seconds=31))
    with pytest.raises(VisibilityTooShort, match="default-doze"):
        synthesise(folder, "fences.subscribers.doze", slow)


def test_a_layer_that_nobody_builds_is_named(folder: BuiltFolder) -> None:
    from infra.constructs.functions import FunctionRefused
    from tests.infra.declarations import FencePainted, subscriber

    needs = FunctionNeeds(layers=("paint",))
    with pytest.raises(FunctionRefused, match="'paint'"):
        synthesise(folder, "fences.subscribers.paint", subscriber("paint", FencePainted, QueueClass.DEFAULT, needs))


def test_a_stage_with_an_answer_model_lets_questions_call_it_and_nothing_else(tmp_path: Path) -> None:
    model = "a.model-v1:0"
    stack = Stack(App(outdir=str(tmp_path)), "s")
    resources = Resources(
        tables={},
        buckets={},
        bus=EventBus.from_event_bus_name(stack, "bus", "bus"),
        token_key=Key(stack, "key"),
        cursor_secret_arn="arn",
        analysis_name="analysis",
        stage_prefix="s-",
        emulated=False,
        answer_model=model,
    )
    granted = resolve([ANSWER_MODEL_INVOKE], resources, stack)
    assert granted.environment == {"ANSWER_MODEL": model}
    (statement,) = [one.to_statement_json() for one in granted.statements]
    assert statement["Action"] == "bedrock:InvokeModel"
    assert str(stack.resolve(statement["Resource"])).count(f"::foundation-model/{model}") == 1
    without = resolve([ANSWER_MODEL_INVOKE], replace(resources, answer_model=None), stack)
    assert (without.statements, without.environment) == ((), {})
