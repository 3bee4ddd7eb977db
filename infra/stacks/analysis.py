"""Where analyses run: GPU machines that exist while there are jobs, Spot first.

A stage without Batch in CloudFormation gets the worker's role and the job definition as outputs, for a runner.
"""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

from aws_cdk.aws_iam import PolicyDocument, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_sqs import IQueue
from constructs import Construct

from infra.constructs.visionscope_stack import VisionScopeStack
from infra.grants import Resources, resolve
from infra.stages import Stage
from shared.aws.grants import Grant

COMMAND = ("python", "-m", "functions.analysis")
TIMEOUT_SECONDS = 4 * 3600
ATTEMPTS = 3

# The first that matches decides; Batch takes five. 75 is EX_TEMPFAIL of sysexits.h, with which the worker asks for
# another attempt; 137 is a worker that was killed outright, whose lease the next attempt takes over.
EVALUATE_ON_EXIT = (
    {"action": "RETRY", "onStatusReason": "Host EC2*"},
    {"action": "RETRY", "onReason": "CannotPullContainerError:*"},
    {"action": "RETRY", "onExitCode": "75"},
    {"action": "RETRY", "onExitCode": "137"},
    {"action": "EXIT", "onReason": "*"},
)

_WORKER_GRANTS = (
    Grant("uploads", "read"),
    Grant("results", "read"),
    Grant("results", "write"),
    # A checkpoint is removed when it is needed no more.
    Grant("results", "delete"),
    Grant("ephemeral", "write"),
)


class AnalysisStack(VisionScopeStack):
    """`completions` is the queue on which the worker says how an analysis ended."""

    def __init__(self, scope: Construct, stage: Stage, *, resources: Resources, completions: IQueue) -> None:
        super().__init__(scope, "analysis", stage)
        granted = resolve(_WORKER_GRANTS, resources, self)
        job_role = Role(
            self,
            "JobRole",
            assumed_by=ServicePrincipal("ecs-tasks.amazonaws.com"),
            inline_policies={
                "grants": PolicyDocument(
                    statements=[
                        *granted.statements,
                        PolicyStatement(actions=["sqs:SendMessage"], resources=[completions.queue_arn]),
                    ]
                )
            },
        )
        environment = {
            "STAGE": stage.name,
            # Lambda tells its functions the region; ECS doesn't tell its containers.
            "AWS_DEFAULT_REGION": self.region,
            **granted.environment,
            "COMPLETION_QUEUE_URL": completions.queue_url,
        }
        if stage.batch is not None:
            # Takes half a second to import, which stages without Batch are spared.
            from infra.constructs.gpu_batch import add_gpu_batch

            add_gpu_batch(
                self,
                stage.batch,
                name=resources.analysis_name,
                job_role=job_role,
                environment=environment,
                command=COMMAND,
                timeout_seconds=TIMEOUT_SECONDS,
                attempts=ATTEMPTS,
                evaluate_on_exit=EVALUATE_ON_EXIT,
            )
        else:
            definition = {
                "command": list(COMMAND),
                "environment": environment,
                "timeout": {"attemptDurationSeconds": TIMEOUT_SECONDS},
                "retryStrategy": {"attempts": ATTEMPTS, "evaluateOnExit": list(EVALUATE_ON_EXIT)},
            }
            self.output("AnalysisJobDefinition", self.to_json_string(definition))
        self.output("AnalysisJobDefinitionName", resources.analysis_name)
        self.output("AnalysisJobQueueName", resources.analysis_name)
        self.output("AnalysisJobRoleArn", job_role.role_arn)
        self.output("CompletionQueueUrl", completions.queue_url)
