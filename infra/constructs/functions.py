"""Lambda functions: each with a role, a log group and an environment of its own, as its grants say."""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Annotations, ArnFormat, Duration
from aws_cdk.aws_iam import IRole, PolicyDocument, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_lambda import (
    Alias,
    Architecture,
    Code,
    Function,
    IFunction,
    LayerVersion,
    Runtime,
    RuntimeFamily,
    SnapStartConf,
    Tracing,
)
from aws_cdk.aws_logs import CfnLogGroup, LogGroup
from constructs import Construct

from infra.assets import BuiltFolder
from infra.constructs.visionscope_stack import VisionScopeStack
from infra.grants import Resources, resolve
from shared.aws.grants import Grant
from shared.messaging.routing import FunctionNeeds

_LONGEST_NAME = 64
_LARGEST_ENVIRONMENT = 4096


class FunctionRefused(ValueError):
    """Lambda would refuse the function."""


@dataclass(frozen=True, slots=True)
class MadeFunction:
    """`invoked` is what events and routes call: the published version where there are snapshots, else the function."""

    function: Function
    invoked: IFunction


class ContextFunctions:
    """Makes the functions that run one context's code, in one stack.

    Each stack makes its own layer versions: one that other stacks import could never be replaced.
    """

    def __init__(
        self,
        stack: VisionScopeStack,
        context: str,
        code: BuiltFolder,
        layers: Mapping[str, BuiltFolder],
        resources: Resources,
    ) -> None:
        self._stack = stack
        # A scope of their own, because the API's stack has functions of two contexts.
        self._scope = Construct(stack, f"{context}-functions")
        self._stage = stack.stage_settings
        self._context = context
        self._resources = resources
        self._code = Code.from_asset(str(code.path), asset_hash=code.digest)
        self._layer_folders = layers
        self._layers: dict[str, LayerVersion] = {}
        runtime = self._stage.runtime
        self._runtime = Runtime(f"python{runtime.python}", RuntimeFamily.PYTHON, supports_snap_start=runtime.snap_start)
        self._architecture = Architecture.ARM_64 if runtime.arm64 else Architecture.X86_64

    def make(
        self,
        name: str,
        module: str,
        needs: FunctionNeeds,
        grants: Iterable[Grant],
        *,
        statements: Sequence[PolicyStatement] = (),
        environment: Mapping[str, str] | None = None,
    ) -> MadeFunction:
        """A function that runs `lambda_handler` of a module. Raises `UnknownGrant` and `FunctionRefused`."""
        stack, stage = self._stack, self._stage
        function_name = stack.physical_name(f"{self._context}-{name}")
        if len(function_name) > _LONGEST_NAME:
            raise FunctionRefused(f"{function_name} is longer than {_LONGEST_NAME} characters")
        granted = resolve(grants, self._resources, stack)
        variables = {
            "STAGE": stage.name,
            "SERVICE": self._context,
            "LOG_LEVEL": stage.log_level,
            **granted.environment,
            **(environment or {}),
        }
        if not stage.is_cloud:
            # The emulator has no endpoints by account.
            variables["AWS_ACCOUNT_ID_ENDPOINT_MODE"] = "disabled"
        _check_size(function_name, variables)
        logs = CfnLogGroup(
            self._scope,
            f"{name}-logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention_in_days=stage.log_retention_days,
        )
        logs.apply_removal_policy(stack.removal_policy)
        function = Function(
            self._scope,
            name,
            function_name=function_name,
            runtime=self._runtime,
            architecture=self._architecture,
            code=self._code,
            handler=f"{module}.lambda_handler",
            layers=[self._layer(layer) for layer in ("common", *needs.layers)],
            memory_size=needs.memory_mb,
            timeout=Duration.seconds(needs.timeout_seconds),
            role=self._role(name, function_name, [*granted.statements, *statements]),
            environment=variables,
            log_group=LogGroup.from_log_group_name(self._scope, f"{name}-log-group", logs.ref),
            tracing=Tracing.ACTIVE if stage.is_cloud else None,
            snap_start=SnapStartConf.ON_PUBLISHED_VERSIONS if stage.runtime.snap_start else None,
        )
        if not stage.runtime.snap_start:
            return MadeFunction(function, function)
        Annotations.of(function).acknowledge_warning(
            "@aws-cdk/aws-lambda:snapStartRequirePublish", "what is called is the published version behind the alias"
        )
        alias = Alias(self._scope, f"{name}-live", alias_name="live", version=function.current_version)
        return MadeFunction(function, alias)

    def _role(self, name: str, function_name: str, statements: Sequence[PolicyStatement]) -> IRole:
        logs = self._stack.format_arn(
            service="logs",
            resource="log-group",
            resource_name=f"/aws/lambda/{function_name}:*",
            arn_format=ArnFormat.COLON_RESOURCE_NAME,
        )
        own = [PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs])]
        if self._stage.is_cloud:
            # X-Ray's actions take no resource.
            actions = ["xray:PutTelemetryRecords", "xray:PutTraceSegments"]
            own.append(PolicyStatement(actions=actions, resources=["*"]))
        return Role(
            self._scope,
            f"{name}-role",
            assumed_by=ServicePrincipal("lambda.amazonaws.com"),
            inline_policies={"grants": PolicyDocument(statements=[*own, *statements])},
        ).without_policy_updates()

    def _layer(self, name: str) -> LayerVersion:
        if name not in self._layers:
            if name not in self._layer_folders:
                raise FunctionRefused(f"there is no dependency layer {name!r}")
            folder = self._layer_folders[name]
            self._layers[name] = LayerVersion(
                self._scope,
                f"{name}-layer",
                code=Code.from_asset(str(folder.path), asset_hash=folder.digest),
                compatible_runtimes=[self._runtime],
                compatible_architectures=[self._architecture],
                removal_policy=self._stack.removal_policy,
            )
        return self._layers[name]


def _check_size(function_name: str, variables: Mapping[str, str]) -> None:
    size = sum(len(name) + len(value) for name, value in variables.items())
    if size > _LARGEST_ENVIRONMENT:
        raise FunctionRefused(f"the environment of {function_name} has {size} bytes of {_LARGEST_ENVIRONMENT}")
