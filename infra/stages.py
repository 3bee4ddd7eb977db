"""The stages and all that differs between them."""

import platform
import sys
from dataclasses import dataclass
from enum import StrEnum


class Network(StrEnum):
    """How the analysis workers reach AWS. Neither kind lets anything in."""

    PUBLIC_SUBNETS = "public-subnets"
    """Public addresses without inbound rules: costs nothing while no job runs."""
    INTERFACE_ENDPOINTS = "interface-endpoints"
    """Isolated subnets, with an endpoint for every API that a job needs: no traffic over the internet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionRuntime:
    """`platform` is uv's name of the target whose wheels go into the layers; none means this machine."""

    python: str
    arm64: bool
    platform: str | None
    snap_start: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchSettings:
    """One job takes `job_vcpus` and `job_memory_mb`, and shares its machine's GPU: a g4dn.xlarge leaves enough for two
    beside the ECS agent. `job_gpu_memory_mb` is its part of the GPU's memory, of which a g4dn.2xlarge has the least for
    each of its jobs: 15 GiB for four.
    """

    instance_types: tuple[str, ...]
    max_vcpus: int
    network: Network
    availability_zones: int = 2
    job_vcpus: int = 2
    job_memory_mb: int = 7_000
    job_gpu_memory_mb: int = 3_500
    disk_gib: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`batch` is none where CloudFormation can't make compute environments; a runner takes the jobs there."""

    name: str
    runtime: FunctionRuntime
    batch: BatchSettings | None
    cors_origins: tuple[str, ...]
    requests_per_second: int
    burst: int
    log_level: str = "INFO"
    log_retention_days: int
    archive_days: int
    """How long the bus' archive, from which events are replayed, keeps them. The event log keeps them for ever."""
    stream_parallelism: int
    rebuild_grace_seconds: int = 120
    """How long a rebuild of a read model waits for messages in flight: longer than a subscriber's function may run."""
    answer_model: str | None = None
    """Bedrock's id of the foundation model that answers questions; none means the extractive engine."""
    keeps_data: bool
    """Tables, buckets and keys outlive their stack."""
    is_cloud: bool = True
    """Real AWS: TLS is enforced, and there are traces, alarms and dashboards."""


# Lambda runs Python 3.13 on Amazon Linux 2023, whose glibc is 2.34.
_CLOUD_RUNTIME = FunctionRuntime(python="3.13", arm64=True, platform="aarch64-manylinux_2_34", snap_start=True)

# The emulator starts functions on its own interpreter, which is made with this one.
_EMULATOR_RUNTIME = FunctionRuntime(
    python=f"{sys.version_info.major}.{sys.version_info.minor}",
    arm64=platform.machine() in ("arm64", "aarch64"),
    platform=None,
    snap_start=False,
)

# One GPU each, for two or four jobs, in the order of their price: T4, L4, A10G.
_GPU_INSTANCES = tuple(f"{family}.{size}" for size in ("xlarge", "2xlarge") for family in ("g4dn", "g6", "g5"))

STAGES = {
    stage.name: stage
    for stage in (
        Stage(
            name="local",
            runtime=_EMULATOR_RUNTIME,
            batch=None,
            cors_origins=("http://localhost:3000",),
            requests_per_second=500,
            burst=500,
            log_retention_days=1,
            archive_days=0,
            stream_parallelism=1,
            # Its subscribers take a second.
            rebuild_grace_seconds=5,
            keeps_data=False,
            is_cloud=False,
        ),
        Stage(
            name="dev",
            runtime=_CLOUD_RUNTIME,
            batch=BatchSettings(instance_types=_GPU_INSTANCES, max_vcpus=16, network=Network.PUBLIC_SUBNETS),
            cors_origins=("http://localhost:3000", "https://dev.visionscope.example"),
            requests_per_second=100,
            burst=200,
            log_level="DEBUG",
            log_retention_days=14,
            archive_days=14,
            stream_parallelism=2,
            keeps_data=False,
        ),
        Stage(
            name="prod",
            runtime=_CLOUD_RUNTIME,
            batch=BatchSettings(
                instance_types=_GPU_INSTANCES,
                max_vcpus=256,
                network=Network.INTERFACE_ENDPOINTS,
                availability_zones=3,
            ),
            cors_origins=("https://app.visionscope.example",),
            requests_per_second=2_000,
            burst=4_000,
            log_retention_days=90,
            archive_days=365,
            stream_parallelism=10,
            keeps_data=True,
        ),
    )
}


class UnknownStage(ValueError):
    """The stage asked for isn't one of `STAGES`."""


def stage_named(name: str) -> Stage:
    if name not in STAGES:
        raise UnknownStage(f"there is no stage {name!r}, only {', '.join(STAGES)}")
    return STAGES[name]
