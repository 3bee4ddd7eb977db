import json
from typing import Any

import pytest

from infra.local.deploy import AnalysisJobDefinition
from infra.stages import STAGES
from tests.infra.conftest import Synthesise
from tests.infra.templates import Templates, actions, as_list, statements

pytestmark = pytest.mark.xdist_group("infra")

CLOUD = ["dev", "prod"]
GPU_MIB = {"g4dn": 15_360, "g5": 22_731, "g6": 22_731}
"""What `nvidia-smi` tells of a T4, an A10G and an L4, at the least."""
MACHINES = {
    f"{family}.{size}": (vcpus, gib * 1024, gpu_mib)
    for family, gpu_mib in GPU_MIB.items()
    for size, vcpus, gib in (("xlarge", 4, 16), ("2xlarge", 8, 32))
}
"""Processors, MiB and MiB of the GPU of machines with one GPU."""


def job_environment(templates: Templates) -> set[str]:
    if templates.all("AWS::Batch::JobDefinition"):
        container = templates.one("AWS::Batch::JobDefinition").properties["ContainerProperties"]
        return {one["Name"] for one in container["Environment"]}
    return set(json.loads(_resolved(templates.outputs()["AnalysisJobDefinition"]))["environment"])


def _resolved(value: Any) -> str:
    """A string of a template with each reference replaced by a word."""
    if isinstance(value, str):
        return value
    _separator, parts = value["Fn::Join"]
    return "".join(part if isinstance(part, str) else "reference" for part in parts)


@pytest.mark.parametrize("stage", list(STAGES))
def test_the_worker_is_told_where_everything_is(made_up: Synthesise, stage: str) -> None:
    assert job_environment(made_up(stage)) >= {
        "STAGE",
        "AWS_DEFAULT_REGION",
        "UPLOADS_BUCKET",
        "RESULTS_BUCKET",
        "EPHEMERAL_TABLE",
        "COMPLETION_QUEUE_URL",
    }


def test_locally_the_job_definition_is_an_output_that_the_runner_takes(made_up: Synthesise) -> None:
    templates = made_up("local")
    assert not [one for one in templates.all() if one.type.startswith("AWS::Batch::")]
    outputs = templates.outputs()
    definition = AnalysisJobDefinition.model_validate_json(_resolved(outputs["AnalysisJobDefinition"]))
    assert definition.command == ["python", "-m", "functions.analysis"]
    assert definition.retry_strategy["attempts"] == 3
    assert outputs["AnalysisJobQueueName"] == outputs["AnalysisJobDefinitionName"] == "visionscope-local-analysis"
    assert {"AnalysisJobRoleArn", "CompletionQueueUrl"} <= outputs.keys()


@pytest.mark.parametrize("stage", list(STAGES))
def test_the_worker_may_read_uploads_write_results_hold_its_lease_and_report(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    (role,) = [one for one in templates.all("AWS::IAM::Role") if one.logical_id.startswith("JobRole")]
    assert actions(role) == {
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:UpdateItem",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "sqs:SendMessage",
    }
    written = [one for one in statements(role) if "s3:PutObject" in as_list(one["Action"])]
    assert "uploads" not in json.dumps(written)
    (sent,) = [one for one in statements(role) if "sqs:SendMessage" in as_list(one["Action"])]
    assert "completeanalysis" in json.dumps(sent["Resource"])


@pytest.mark.parametrize("stage", CLOUD)
def test_a_job_has_its_limits_and_a_log(made_up: Synthesise, stage: str) -> None:
    job = made_up(stage).one("AWS::Batch::JobDefinition", JobDefinitionName=f"visionscope-{stage}-analysis").properties
    needed = {one["Type"]: one["Value"] for one in job["ContainerProperties"]["ResourceRequirements"]}
    settings = STAGES[stage].batch
    assert settings is not None
    assert needed == {"VCPU": str(settings.job_vcpus), "MEMORY": str(settings.job_memory_mb)}
    assert job["ContainerProperties"]["Command"] == ["python", "-m", "functions.analysis"]
    assert job["Timeout"]["AttemptDurationSeconds"] == 4 * 3600
    assert job["ContainerProperties"]["LogConfiguration"]["LogDriver"] == "awslogs"
    assert not job["ContainerProperties"].get("Privileged")


@pytest.mark.parametrize("stage", CLOUD)
def test_several_jobs_share_a_machine_and_its_gpu(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    container = templates.one("AWS::Batch::JobDefinition").properties["ContainerProperties"]
    needed = {one["Type"]: int(one["Value"]) for one in container["ResourceRequirements"]}
    environment = {one["Name"]: one["Value"] for one in container["Environment"]}
    # What asks for a GPU has it for itself.
    assert "GPU" not in needed
    assert environment["NVIDIA_VISIBLE_DEVICES"] == "all"
    # Of the processors it sees them all, too.
    assert int(environment["JOB_VCPUS"]) == needed["VCPU"]
    for machines in templates.all("AWS::Batch::ComputeEnvironment"):
        for kind in machines.properties["ComputeResources"]["InstanceTypes"]:
            vcpus, memory_mb, gpu_mb = MACHINES[kind]
            # The system and the ECS agent keep some of the memory.
            jobs = min(vcpus // needed["VCPU"], int(0.9 * memory_mb) // needed["MEMORY"])
            assert jobs >= 2, kind
            assert jobs * int(environment["GPU_MEMORY_MIB"]) <= gpu_mb, kind


@pytest.mark.parametrize("stage", CLOUD)
def test_each_container_of_a_machine_is_given_its_gpu(made_up: Synthesise, stage: str) -> None:
    """Docker doesn't start when the runtime that its flags name is named in its file as well."""
    machine = made_up(stage).one("AWS::EC2::LaunchTemplate").properties["LaunchTemplateData"]
    user_data = json.dumps(machine["UserData"])
    assert "multipart/mixed" in user_data
    assert user_data.index("--default-runtime nvidia") < user_data.index("systemctl restart docker")
    assert "/etc/sysconfig/docker" in user_data
    assert "nvidia-ctk" not in user_data
    assert "daemon.json" not in user_data


@pytest.mark.parametrize("stage", CLOUD)
def test_only_what_passes_is_tried_again(made_up: Synthesise, stage: str) -> None:
    strategy = made_up(stage).one("AWS::Batch::JobDefinition").properties["RetryStrategy"]
    assert strategy["Attempts"] == 3
    assert strategy["EvaluateOnExit"] == [
        {"Action": "RETRY", "OnStatusReason": "Host EC2*"},
        {"Action": "RETRY", "OnReason": "CannotPullContainerError:*"},
        {"Action": "RETRY", "OnExitCode": "75"},
        {"Action": "RETRY", "OnExitCode": "137"},
        {"Action": "EXIT", "OnReason": "*"},
    ]


@pytest.mark.parametrize("stage", CLOUD)
def test_spot_comes_first_and_on_demand_steps_in(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    order = templates.one("AWS::Batch::JobQueue").properties["ComputeEnvironmentOrder"]
    kinds = [
        templates.referred(f"visionscope-{stage}-analysis", one["ComputeEnvironment"]).properties["ComputeResources"]
        for one in sorted(order, key=lambda one: int(one["Order"]))
    ]
    assert [one["Type"] for one in kinds] == ["SPOT", "EC2"]
    for one in kinds:
        assert {instance.split(".")[0] for instance in one["InstanceTypes"]} <= GPU_MIB.keys()
        assert one["MinvCpus"] == 0
        assert one["Ec2Configuration"] == [{"ImageType": "ECS_AL2023_NVIDIA"}]
    settings = STAGES[stage].batch
    assert settings is not None
    assert {one["MaxvCpus"] for one in kinds} == {settings.max_vcpus}


@pytest.mark.parametrize("stage", CLOUD)
def test_tenants_share_fairly(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    queue = templates.one("AWS::Batch::JobQueue", JobQueueName=f"visionscope-{stage}-analysis")
    policy = templates.referred(queue.stack, queue.properties["SchedulingPolicyArn"])
    assert policy.properties["FairsharePolicy"]["ShareDecaySeconds"] > 0


@pytest.mark.parametrize("stage", CLOUD)
def test_nothing_comes_in_from_outside(made_up: Synthesise, stage: str) -> None:
    templates = made_up(stage)
    for group in templates.all("AWS::EC2::SecurityGroup"):
        assert not group.properties.get("SecurityGroupIngress")
        # CDK writes "nothing" as a rule for an address that there can't be.
        out = [rule for rule in group.properties["SecurityGroupEgress"] if rule["CidrIp"] != "255.255.255.255/32"]
        assert all((rule["FromPort"], rule["ToPort"]) == (443, 443) for rule in out)
    for rule in templates.all("AWS::EC2::SecurityGroupIngress"):
        assert "SourceSecurityGroupId" in rule.properties
    assert not templates.all("AWS::EC2::NatGateway")


def test_jobs_of_dev_have_public_addresses_and_no_endpoint_that_costs(made_up: Synthesise) -> None:
    templates = made_up("dev")
    assert all(one.properties["MapPublicIpOnLaunch"] for one in templates.all("AWS::EC2::Subnet"))
    assert templates.all("AWS::EC2::InternetGateway")
    assert {one.properties["VpcEndpointType"] for one in templates.all("AWS::EC2::VPCEndpoint")} == {"Gateway"}


def test_jobs_of_prod_reach_all_they_call_without_the_internet(made_up: Synthesise) -> None:
    templates = made_up("prod")
    assert not templates.all("AWS::EC2::InternetGateway")
    endpoints = templates.all("AWS::EC2::VPCEndpoint")
    interfaces = [one for one in endpoints if one.properties["VpcEndpointType"] == "Interface"]
    named = " ".join(json.dumps(one.properties["ServiceName"]) for one in interfaces)
    for service in ("ecs", "ecs-agent", "ecs-telemetry", "ecr.api", "ecr.dkr", "logs", "sqs"):
        assert f'.{service}"' in named, service
    assert all(one.properties["PrivateDnsEnabled"] for one in interfaces)
    assert len(endpoints) - len(interfaces) == 2


@pytest.mark.parametrize("stage", CLOUD)
def test_a_container_can_not_take_the_machines_role(made_up: Synthesise, stage: str) -> None:
    options = made_up(stage).one("AWS::EC2::LaunchTemplate").properties["LaunchTemplateData"]["MetadataOptions"]
    assert options["HttpTokens"] == "required"
    assert options["HttpPutResponseHopLimit"] == 1


@pytest.mark.parametrize("stage", CLOUD)
def test_the_image_is_built_from_the_worker_and_its_locks_alone(made_up: Synthesise, stage: str) -> None:
    manifest = json.loads((made_up(stage).assembly / f"visionscope-{stage}-analysis.assets.json").read_bytes())
    (image,) = manifest["dockerImages"].values()
    source = made_up(stage).assembly / image["source"]["directory"]
    assert image["source"]["dockerFile"] == "functions/analysis/Dockerfile"
    assert image["source"]["platform"] == "linux/amd64"
    assert (source / "functions" / "analysis" / "__main__.py").exists()
    assert {lock.name for lock in (source / "infra" / "locks").iterdir()} == {"models.txt", "worker-gpu.txt"}
    assert not (source / "tests").exists()
    assert not (source / "functions" / "billing" / "commands").exists()
