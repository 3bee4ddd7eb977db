"""The bus that integration events travel on, its archive, and where alarms go."""

from aws_cdk import Duration
from aws_cdk.aws_events import Archive, EventBus, EventPattern
from aws_cdk.aws_sns import Topic
from constructs import Construct

from infra.constructs.visionscope_stack import VisionScopeStack
from infra.stages import Stage

SEVERITIES = ("critical", "warning")


class MessagingStack(VisionScopeStack):
    def __init__(self, scope: Construct, stage: Stage) -> None:
        super().__init__(scope, "messaging", stage)
        self.bus = EventBus(self, "Bus", event_bus_name=f"visionscope-{stage.name}")
        self.output("BusName", self.bus.event_bus_name)
        self.alarm_topics: dict[str, Topic] = {}
        if stage.is_cloud:
            Archive(
                self,
                "Archive",
                source_event_bus=self.bus,
                event_pattern=EventPattern(account=[self.account]),
                retention=Duration.days(stage.archive_days),
            )
            self.alarm_topics = {
                severity: Topic(self, f"{severity}-alarms", topic_name=self.physical_name(f"{severity}-alarms"))
                for severity in SEVERITIES
            }
