"""A Batch queue of GPU machines: Spot first, on demand where there is no Spot capacity, fair between tenants.

A job's decoding takes more of a machine than its models take of a GPU, so the jobs of a machine share its GPU: they
ask for processors and memory alone, of which a machine has enough for several, and each keeps to its part of the GPU's
memory. (A job that asks for a GPU gets it for itself. ECS can part a GPU by itself, with NVIDIA's MPS, but the job
definitions of Batch have no word for it.) For that each container is given the machine's GPU; where it can't have it,
the worker runs without.
"""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

from collections.abc import Mapping, Sequence

from aws_cdk import Duration, Size
from aws_cdk.aws_batch import (
    AllocationStrategy,
    CfnJobDefinition,
    EcsEc2ContainerDefinition,
    EcsJobDefinition,
    EcsMachineImage,
    EcsMachineImageType,
    FairshareSchedulingPolicy,
    JobQueue,
    JobStateTimeLimitAction,
    JobStateTimeLimitActionsReason,
    ManagedEc2EcsComputeEnvironment,
    OrderedComputeEnvironment,
)
from aws_cdk.aws_ec2 import (
    BlockDevice,
    BlockDeviceVolume,
    EbsDeviceVolumeType,
    GatewayVpcEndpointAwsService,
    InstanceType,
    InterfaceVpcEndpointAwsService,
    LaunchTemplate,
    LaunchTemplateHttpTokens,
    MultipartUserData,
    Peer,
    Port,
    SecurityGroup,
    SubnetConfiguration,
    SubnetSelection,
    SubnetType,
    UserData,
    Vpc,
)
from aws_cdk.aws_ecr_assets import DockerImageAsset, Platform
from aws_cdk.aws_ecs import ContainerImage, LogDriver
from aws_cdk.aws_iam import IRole, PolicyDocument, PolicyStatement, Role, ServicePrincipal
from aws_cdk.aws_logs import CfnLogGroup, LogGroup

from infra.assets import worker_image
from infra.constructs.visionscope_stack import VisionScopeStack
from infra.stages import BatchSettings, Network

# What the ECS agent, the pull of the image, the log driver and the worker itself call. With those of S3 and DynamoDB
# alone a job never starts: its machine can't register.
_CALLED = {
    "ecs": InterfaceVpcEndpointAwsService.ECS,
    "ecs-agent": InterfaceVpcEndpointAwsService.ECS_AGENT,
    "ecs-telemetry": InterfaceVpcEndpointAwsService.ECS_TELEMETRY,
    "ecr-api": InterfaceVpcEndpointAwsService.ECR,
    "ecr-dkr": InterfaceVpcEndpointAwsService.ECR_DOCKER,
    "logs": InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
    "sqs": InterfaceVpcEndpointAwsService.SQS,
}
_SHARE_DECAY = Duration.hours(1)
_STUCK_AFTER = Duration.minutes(30)


def add_gpu_batch(
    stack: VisionScopeStack,
    settings: BatchSettings,
    *,
    name: str,
    job_role: IRole,
    environment: Mapping[str, str],
    command: Sequence[str],
    timeout_seconds: int,
    attempts: int,
    evaluate_on_exit: Sequence[Mapping[str, str]],
) -> None:
    """Add a job queue and a job definition, both of the given name."""
    vpc, subnets, group = _network(stack, settings)
    machine = LaunchTemplate(
        stack,
        "Machine",
        require_imdsv2=True,
        http_tokens=LaunchTemplateHttpTokens.REQUIRED,
        # One hop: the metadata of the machine, with its role, can't be reached from within a container.
        http_put_response_hop_limit=1,
        user_data=_shared_gpu(),
        block_devices=[
            BlockDevice(
                device_name="/dev/xvda",
                volume=BlockDeviceVolume.ebs(
                    settings.disk_gib, encrypted=True, volume_type=EbsDeviceVolumeType.GP3, delete_on_termination=True
                ),
            )
        ],
    )

    def machines(kind: str, *, spot: bool) -> ManagedEc2EcsComputeEnvironment:
        return ManagedEc2EcsComputeEnvironment(
            stack,
            kind,
            vpc=vpc,
            vpc_subnets=subnets,
            security_groups=[group],
            spot=spot,
            allocation_strategy=(
                AllocationStrategy.SPOT_PRICE_CAPACITY_OPTIMIZED if spot else AllocationStrategy.BEST_FIT_PROGRESSIVE
            ),
            instance_types=[InstanceType(one) for one in settings.instance_types],
            # Else families of Batch's own choice, without a GPU, are added.
            use_optimal_instance_classes=False,
            images=[EcsMachineImage(image_type=EcsMachineImageType.ECS_AL2023_NVIDIA)],
            launch_template=machine,
            minv_cpus=0,
            maxv_cpus=settings.max_vcpus,
        )

    JobQueue(
        stack,
        "Queue",
        job_queue_name=name,
        priority=1,
        compute_environments=[
            OrderedComputeEnvironment(compute_environment=machines("Spot", spot=True), order=1),
            OrderedComputeEnvironment(compute_environment=machines("OnDemand", spot=False), order=2),
        ],
        # Each workspace is a share: one with 500 jobs waits for itself.
        scheduling_policy=FairshareSchedulingPolicy(stack, "FairShare", share_decay=_SHARE_DECAY),
        # A job that no machine can ever take ends as failed, instead of standing at the head of the queue.
        job_state_time_limit_actions=[
            JobStateTimeLimitAction(max_time=_STUCK_AFTER, reason=reason)
            for reason in (
                JobStateTimeLimitActionsReason.COMPUTE_ENVIRONMENT_MAX_RESOURCE,
                JobStateTimeLimitActionsReason.JOB_RESOURCE_REQUIREMENT,
            )
        ],
    )
    logs = CfnLogGroup(
        stack,
        "JobLogs",
        log_group_name=f"/aws/batch/{name}",
        retention_in_days=stack.stage_settings.log_retention_days,
    )
    logs.apply_removal_policy(stack.removal_policy)
    built = worker_image()
    image = DockerImageAsset(
        stack,
        "WorkerImage",
        directory=str(built.path),
        file="functions/analysis/Dockerfile",
        platform=Platform.LINUX_AMD64,
        asset_name="visionscope-worker",
    )
    definition = EcsJobDefinition(
        stack,
        "Job",
        job_definition_name=name,
        timeout=Duration.seconds(timeout_seconds),
        propagate_tags=True,
        # A share's jobs need a priority among themselves: all the same.
        scheduling_priority=1,
        container=EcsEc2ContainerDefinition(
            stack,
            "Worker",
            image=ContainerImage.from_docker_image_asset(image),
            command=list(command),
            cpu=settings.job_vcpus,
            memory=Size.mebibytes(settings.job_memory_mb),
            environment={
                **environment,
                # What NVIDIA's runtime gives to the container. ECS says it only to a job that has a GPU for itself.
                "NVIDIA_VISIBLE_DEVICES": "all",
                "GPU_MEMORY_MIB": str(settings.job_gpu_memory_mb),
                "JOB_VCPUS": str(settings.job_vcpus),
            },
            job_role=job_role,
            execution_role=_execution_role(stack, image, logs),
            logging=LogDriver.aws_logs(
                stream_prefix="worker", log_group=LogGroup.from_log_group_name(stack, "JobLogGroup", logs.ref)
            ),
        ),
    )
    template = definition.node.default_child
    assert isinstance(template, CfnJobDefinition)
    template.retry_strategy = CfnJobDefinition.RetryStrategyProperty(
        attempts=attempts,
        evaluate_on_exit=[
            CfnJobDefinition.EvaluateOnExitProperty(
                action=rule["action"],
                on_exit_code=rule.get("onExitCode"),
                on_reason=rule.get("onReason"),
                on_status_reason=rule.get("onStatusReason"),
            )
            for rule in evaluate_on_exit
        ],
    )


def _shared_gpu() -> MultipartUserData:
    """Makes NVIDIA's runtime the one of every container, in the way of the ECS developer guide ("Share GPUs").

    The machines' image names that runtime to Docker by a flag. What names it in a file as well, as `nvidia-ctk` does,
    keeps Docker from starting again. Batch takes user data in several parts, to add its own.
    """
    script = UserData.for_linux()
    script.add_commands(
        "echo 'DAEMON_MAXFILES=1048576' > /etc/sysconfig/docker",
        """echo 'OPTIONS="--default-ulimit nofile=32768:65536 --default-runtime nvidia"' >> /etc/sysconfig/docker""",
        "echo 'DAEMON_PIDFILE_TIMEOUT=10' >> /etc/sysconfig/docker",
        "systemctl restart docker",
    )
    parts = MultipartUserData()
    parts.add_user_data_part(script)
    return parts


def _network(stack: VisionScopeStack, settings: BatchSettings) -> tuple[Vpc, SubnetSelection, SecurityGroup]:
    is_public = settings.network is Network.PUBLIC_SUBNETS
    kind = SubnetType.PUBLIC if is_public else SubnetType.PRIVATE_ISOLATED
    vpc = Vpc(
        stack,
        "Network",
        max_azs=settings.availability_zones,
        nat_gateways=0,
        subnet_configuration=[SubnetConfiguration(name="jobs", subnet_type=kind, cidr_mask=20)],
        restrict_default_security_group=False,
    )
    # Free of charge, and videos come through them.
    vpc.add_gateway_endpoint("s3", service=GatewayVpcEndpointAwsService.S3)
    vpc.add_gateway_endpoint("dynamodb", service=GatewayVpcEndpointAwsService.DYNAMODB)
    group = SecurityGroup(
        stack,
        "Jobs",
        vpc=vpc,
        description="Analysis workers: nothing comes in",
        allow_all_outbound=False,
    )
    # The endpoints of S3 and DynamoDB keep the services' public addresses, so these can't be told from others here.
    group.add_egress_rule(Peer.any_ipv4(), Port.tcp(443), "HTTPS")
    if not is_public:
        endpoints = SecurityGroup(
            stack, "Endpoints", vpc=vpc, description="AWS for the analysis workers", allow_all_outbound=False
        )
        endpoints.add_ingress_rule(group, Port.tcp(443), "HTTPS of the workers")
        for name, service in _CALLED.items():
            vpc.add_interface_endpoint(
                name,
                service=service,
                security_groups=[endpoints],
                subnets=SubnetSelection(subnet_type=kind),
                open=False,
            )
    return vpc, SubnetSelection(subnet_type=kind), group


def _execution_role(stack: VisionScopeStack, image: DockerImageAsset, logs: CfnLogGroup) -> IRole:
    """What ECS itself uses to start the container: its image and its log."""
    return Role(
        stack,
        "ExecutionRole",
        assumed_by=ServicePrincipal("ecs-tasks.amazonaws.com"),
        inline_policies={
            "start": PolicyDocument(
                statements=[
                    # Takes no resource.
                    PolicyStatement(actions=["ecr:GetAuthorizationToken"], resources=["*"]),
                    PolicyStatement(
                        actions=["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
                        resources=[image.repository.repository_arn],
                    ),
                    PolicyStatement(actions=["logs:CreateLogStream", "logs:PutLogEvents"], resources=[logs.attr_arn]),
                ]
            )
        },
    ).without_policy_updates()
