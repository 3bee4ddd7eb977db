"""A CDK app as small as can be that uses each part the local stack adds to the emulator: HTTP, streams, Batch, IAM."""

from pathlib import Path

from aws_cdk import App, CfnOutput, CliCredentialsStackSynthesizer, Duration, Stack
from aws_cdk.aws_apigatewayv2 import CorsHttpMethod, CorsPreflightOptions, HttpApi, HttpMethod
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_dynamodb import Attribute, AttributeType, StreamViewType, TableV2
from aws_cdk.aws_events import EventField, Rule, RuleTargetInput
from aws_cdk.aws_events_targets import SqsQueue
from aws_cdk.aws_iam import PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import Code, Function, Runtime, StartingPosition
from aws_cdk.aws_lambda_event_sources import DynamoEventSource, SqsDlq
from aws_cdk.aws_sqs import Queue

FUNCTIONS = Path(__file__).parents[1] / "functions" / "sample"
JOB_QUEUE = "sample-analysis"

app = App()
stack = Stack(app, "sample-local-core", synthesizer=CliCredentialsStackSynthesizer())
code = Code.from_asset(str(FUNCTIONS))


def function(name: str, **environment: str) -> Function:
    return Function(
        stack,
        name,
        runtime=Runtime.PYTHON_3_11,
        code=code,
        handler=f"sample.{name}",
        timeout=Duration.seconds(10),
        environment=environment,
    )


table = TableV2(
    stack,
    "Table",
    partition_key=Attribute(name="id", type=AttributeType.STRING),
    dynamo_stream=StreamViewType.NEW_IMAGE,
)
failures, seen, states = Queue(stack, "Failures"), Queue(stack, "Seen"), Queue(stack, "States")

reader = function("read_stream", SEEN_QUEUE=seen.queue_url)
seen.grant_send_messages(reader)
reader.add_event_source(
    DynamoEventSource(
        table,
        starting_position=StartingPosition.TRIM_HORIZON,
        batch_size=10,
        retry_attempts=2,
        bisect_batch_on_error=True,
        report_batch_item_failures=True,
        on_failure=SqsDlq(failures),
    )
)

submitter = function("submit", JOB_QUEUE=JOB_QUEUE, JOB_DEFINITION="sample-job", TABLE=table.table_name)
submitter.add_to_role_policy(
    PolicyStatement(actions=["batch:SubmitJob", "batch:DescribeJobs", "batch:TerminateJob"], resources=["*"])
)
# Meant to be refused: nothing grants it the table.
forbidden = function("write_without_grant", TABLE=table.table_name)

api = HttpApi(
    stack,
    "Api",
    cors_preflight=CorsPreflightOptions(
        allow_origins=["https://app.example.com"], allow_methods=[CorsHttpMethod.GET], allow_headers=["authorization"]
    ),
)
for path, target in (("/jobs", submitter), ("/forbidden", forbidden)):
    api.add_routes(path=path, methods=[HttpMethod.POST], integration=HttpLambdaIntegration(f"On{path[1:]}", target))

job_role = Role(stack, "JobRole", assumed_by=ServicePrincipal("ecs-tasks.amazonaws.com"))
table.grant_write_data(job_role)

Rule(
    stack,
    "BatchStates",
    event_pattern={"source": ["local.batch"], "detail_type": ["Batch Job State Change"]},
    targets=[
        SqsQueue(
            states,
            message=RuleTargetInput.from_object(
                {
                    "source": "aws.batch",
                    "detail-type": "Batch Job State Change",
                    "detail": EventField.from_path("$.detail"),
                }
            ),
        )
    ],
)

definition = {
    "command": ["python", "-m", "functions.sample_job", "Ref::mode"],
    "environment": {"TABLE": table.table_name, "GREETING": "from the definition"},
    "timeout": {"attemptDurationSeconds": 5},
    "retryStrategy": {
        "attempts": 3,
        "evaluateOnExit": [{"onExitCode": "75", "action": "RETRY"}, {"onReason": "*", "action": "EXIT"}],
    },
}
for name, value in {
    "ApiId": api.api_id,
    "DataTable": table.table_name,
    "FailuresUrl": failures.queue_url,
    "SeenUrl": seen.queue_url,
    "StatesUrl": states.queue_url,
    "AnalysisJobRoleArn": job_role.role_arn,
    "AnalysisJobQueueName": JOB_QUEUE,
    "AnalysisJobDefinitionName": "sample-job",
    "AnalysisJobDefinition": stack.to_json_string(definition),
}.items():
    CfnOutput(stack, name, value=value)
app.synth()
