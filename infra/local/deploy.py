"""Deploys the CDK app into the running emulator, and does there what its CloudFormation can't."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from infra.local import aws
from infra.local.install import node_folder
from infra.local.layout import Layout
from infra.local.processes import LeashedProcess, isolated_environment
from infra.local.supervisor import RunningStack

ASSETS_BUCKET = f"cdk-hnb659fds-assets-{aws.ACCOUNT_ID}-{aws.REGION}"
# What the deployed stacks are made of; anything else can change without a deployment.
SOURCES = ("cdk.json", "pyproject.toml", "functions", "infra", "shared")
NOT_DEPLOYED = ("infra/local",)
STACK_DONE = re.compile(r"✅\s+(?P<stack>[\w-]+)")
SYNTHESIZED = re.compile(r"Synthesis time: (?P<seconds>[\d.]+)s")
PROGRESS = re.compile(r"\|.*\|\s+(CREATE|UPDATE|DELETE|REVIEW|ROLLBACK)_(?!FAILED)\w+")
SHOWN_LINES = 12

Report = Callable[[str], None]


class DeployFailed(Exception):
    """The CDK app can't be deployed; the message holds the reason and names the log."""


class AnalysisJobDefinition(BaseModel):
    """The stack output of stage `local` that stands for the job definition, which CloudFormation can't make there."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    command: list[str]
    environment: dict[str, str] = {}
    timeout: dict[str, int] = {}
    retry_strategy: dict[str, Any] = Field(default={}, alias="retryStrategy")


def source_digest(checkout: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(path for name in SOURCES for path in _files(checkout / name)):
        relative = path.relative_to(checkout).as_posix()
        if not relative.startswith(NOT_DEPLOYED):
            digest.update(f"{relative}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return [file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts]


def is_current(layout: Layout) -> bool:
    """Whether what runs was deployed from the sources as they are now."""
    deployed = layout.run / "deployed"
    return layout.outputs.exists() and deployed.exists() and deployed.read_text() == source_digest(layout.checkout)


def deploy(layout: Layout, stack: RunningStack, report: Report) -> None:
    """Raises DeployFailed; the stack is then as CloudFormation left it, and not current."""
    digest = source_digest(layout.checkout)
    (layout.run / "deployed").unlink(missing_ok=True)
    _bootstrap(stack)
    outputs = _cdk_deploy(layout, stack, report)
    if "AnalysisJobDefinition" in outputs:
        _register_analysis(stack, outputs)
    if "ApiId" in outputs:
        _set_cors(layout, stack, outputs["ApiId"])
    _write_outputs(layout, stack, outputs)
    (layout.run / "deployed").write_text(digest)


def _bootstrap(stack: RunningStack) -> None:
    """All that a deployment with one's own credentials uses of `cdk bootstrap`, which takes 11 s here."""
    s3 = aws.client("s3", stack.emulator_url)
    if ASSETS_BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=ASSETS_BUCKET)


def _cdk_deploy(layout: Layout, stack: RunningStack, report: Report) -> dict[str, str]:
    node = node_folder()
    outputs_file = layout.run / "cdk-outputs.json"
    cli = layout.cdk_cli / "node_modules" / "aws-cdk" / "bin" / "cdk"
    command = [str(node / "node"), str(cli), "deploy", "--all", "--require-approval", "never"]
    command += ["--app", f"{shlex.quote(sys.executable)} -m infra.app", "--context", "stage=local"]
    command += ["--output", str(layout.cloud_assembly), "--outputs-file", str(outputs_file)]
    # Without change sets, since nobody is asked to approve one here.
    command += ["--method", "direct", "--concurrency", "4", "--asset-parallelism"]
    command += ["--ci", "--no-color", "--no-notices", "--no-version-reporting", "--progress", "events"]
    environment = isolated_environment(
        os.environ,
        **aws.root_environment(stack.emulator_url),
        CDK_DEFAULT_ACCOUNT=aws.ACCOUNT_ID,
        CDK_DEFAULT_REGION=aws.REGION,
        CDK_DISABLE_CLI_TELEMETRY="true",
        CDK_DISABLE_VERSION_CHECK="1",
        JSII_NODE=str(node / "node"),
        JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION="1",
        NO_COLOR="1",
        TMPDIR=str(layout.run / "tmp"),
        PATH=f"{node}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
    )
    log = layout.logs / "deploy.log"
    lines: list[str] = []
    process = LeashedProcess(command, environment=environment, directory=layout.checkout, output=subprocess.PIPE)
    assert process.output is not None
    try:
        with log.open("w") as kept:
            for raw in process.output:
                line = raw.decode(errors="replace").rstrip()
                kept.write(f"{line}\n")
                kept.flush()
                lines.append(line)
                if found := SYNTHESIZED.search(line):
                    report(f"synthesized in {float(found['seconds']):.1f} s")
                elif found := STACK_DONE.search(line):
                    report(f"deployed {found['stack']}")
        code = process.wait()
    finally:
        process.stop()
        process.output.close()
    if code != 0:
        telling = [line for line in lines if line.strip() and not PROGRESS.search(line)]
        shown = "\n".join(telling[-SHOWN_LINES:])
        raise DeployFailed(f"cdk deploy ended with {code}; the whole of it is in {log}\n{shown}")
    return _flat_outputs(outputs_file.read_bytes())


def _flat_outputs(content: bytes) -> dict[str, str]:
    stacks = TypeAdapter(dict[str, dict[str, str]]).validate_json(content)
    flat: dict[str, str] = {}
    for outputs in stacks.values():
        # Values that one stack exports for another are CloudFormation's own business.
        flat.update({name: value for name, value in outputs.items() if not name.startswith("ExportsOutput")})
    return flat


def _register_analysis(stack: RunningStack, outputs: dict[str, str]) -> None:
    definition = AnalysisJobDefinition.model_validate_json(outputs["AnalysisJobDefinition"])
    batch = aws.client("batch", stack.batch_url)
    queue = outputs["AnalysisJobQueueName"]
    if not batch.describe_job_queues(jobQueues=[queue])["jobQueues"]:
        batch.create_job_queue(jobQueueName=queue, state="ENABLED", priority=1, computeEnvironmentOrder=[])
    batch.register_job_definition(
        jobDefinitionName=outputs["AnalysisJobDefinitionName"],
        type="container",
        containerProperties={
            "image": "local",
            "command": definition.command,
            "environment": [{"name": name, "value": value} for name, value in definition.environment.items()],
            "jobRoleArn": outputs["AnalysisJobRoleArn"],
        },
        timeout=definition.timeout,
        retryStrategy=definition.retry_strategy,
    )


def _set_cors(layout: Layout, stack: RunningStack, api_id: str) -> None:
    """The emulator's CloudFormation leaves out what the template says about CORS."""
    for template in layout.cloud_assembly.glob("*.template.json"):
        for resource in json.loads(template.read_bytes()).get("Resources", {}).values():
            cors = resource.get("Properties", {}).get("CorsConfiguration")
            if resource["Type"] == "AWS::ApiGatewayV2::Api" and cors:
                aws.client("apigatewayv2", stack.emulator_url).update_api(ApiId=api_id, CorsConfiguration=cors)


def _write_outputs(layout: Layout, stack: RunningStack, outputs: dict[str, str]) -> None:
    known = {
        "api_url": f"{stack.emulator_url}/_aws/execute-api/{outputs['ApiId']}/$default" if "ApiId" in outputs else None,
        "endpoint_url": stack.emulator_url,
        "batch_endpoint_url": stack.batch_url,
        "region": aws.REGION,
        "account_id": aws.ACCOUNT_ID,
        "access_key_id": aws.ROOT_ACCESS_KEY,
        "secret_access_key": aws.ROOT_SECRET_KEY,
    }
    named = {_snake_case(name): value for name, value in sorted(outputs.items()) if name != "AnalysisJobDefinition"}
    unfinished = layout.outputs.with_suffix(".part")
    unfinished.write_text(json.dumps({**known, **named}, indent=2) + "\n")
    unfinished.replace(layout.outputs)


def _snake_case(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
