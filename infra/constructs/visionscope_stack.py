"""What all stacks of a stage have in common."""

from aws_cdk import CfnOutput, CliCredentialsStackSynthesizer, DefaultStackSynthesizer, RemovalPolicy, Stack, Tags
from constructs import Construct

from infra.stages import Stage


class VisionScopeStack(Stack):
    """A stack `visionscope-<stage>-<part>`. Bound to no account, so a synthesis looks nothing up."""

    def __init__(self, scope: Construct, part: str, stage: Stage) -> None:
        super().__init__(
            scope,
            f"visionscope-{stage.name}-{part}",
            # The emulator refuses the bootstrap roles the assets bucket.
            synthesizer=DefaultStackSynthesizer() if stage.is_cloud else CliCredentialsStackSynthesizer(),
            termination_protection=stage.keeps_data,
            analytics_reporting=False,
        )
        self.stage_settings = stage
        Tags.of(self).add("visionscope:stage", stage.name)

    @property
    def removal_policy(self) -> RemovalPolicy:
        return RemovalPolicy.RETAIN if self.stage_settings.keeps_data else RemovalPolicy.DESTROY

    def physical_name(self, name: str) -> str:
        return f"visionscope-{self.stage_settings.name}-{name}"

    def output(self, name: str, value: str) -> None:
        CfnOutput(self, name, value=value)
