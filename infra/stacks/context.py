"""One context's functions and what calls them: routes, queues with their rules, schedules and streams."""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

from collections.abc import Mapping
from typing import Any

from aws_cdk import Duration
from aws_cdk.aws_apigatewayv2 import HttpMethod, HttpRoute, HttpRouteKey
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from aws_cdk.aws_events import EventField, EventPattern, Match, Rule, RuleTargetInput, Schedule
from aws_cdk.aws_events_targets import LambdaFunction, SqsQueue
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_lambda import EventSourceMapping, FilterCriteria, StartingPosition
from aws_cdk.aws_lambda_event_sources import SqsDlq
from aws_cdk.aws_sqs import Queue
from constructs import Construct

from infra.assets import BuiltFolder
from infra.constructs.alarms import Alarms
from infra.constructs.functions import ContextFunctions, MadeFunction
from infra.constructs.queues import dead_letters, subscriber_queue
from infra.constructs.visionscope_stack import VisionScopeStack
from infra.declarations import Declared
from infra.grants import Resources, job_queue_arn
from infra.stacks.api import ApiStack
from infra.stages import Stage
from shared.cqrs.messages import IntegrationEvent
from shared.http.endpoint import Endpoint
from shared.messaging import routing
from shared.messaging.routing import QUEUES, EventTap, ForeignEvent, QueueClass, StreamConsumer, Subscriber

# AWS advises a visibility timeout of six times the function's: retries by the poller itself fit in.
_VISIBILITY_PER_TIMEOUT = 6
_STREAM_RETRIES = 5
_STREAM_MAX_AGE = Duration.hours(1)
_STREAM_BATCH = 25


class VisibilityTooShort(ValueError):
    """A message would be delivered again while its function may still be at it."""


class ContextStack(VisionScopeStack):
    def __init__(
        self,
        scope: Construct,
        context: str,
        stage: Stage,
        *,
        declared: list[Declared],
        code: BuiltFolder,
        layers: Mapping[str, BuiltFolder],
        resources: Resources,
        api: ApiStack,
        alarms: Alarms,
    ) -> None:
        super().__init__(scope, context, stage)
        self._resources = resources
        self._api = api
        self._alarms = alarms
        self._functions = ContextFunctions(self, context, code, layers, resources)
        self.queues: dict[str, Queue] = {}
        for one in declared:
            self._add(one)
        alarms.dashboard(self, context)

    def _add(self, declared: Declared) -> None:
        match declared.declaration:
            case Endpoint() as endpoint:
                self._route(endpoint, self._make(declared))
            case Subscriber() | EventTap() as reader:
                self._read_queue(declared, reader)
            case StreamConsumer() as consumer:
                self._read_stream(declared, consumer)
            case routing.Schedule() as schedule:
                self._run_at_rate(schedule, self._make(declared))

    def _make(
        self,
        declared: Declared,
        *,
        statements: list[PolicyStatement] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> MadeFunction:
        made = self._functions.make(
            declared.name,
            declared.module,
            declared.needs,
            declared.grants,
            statements=statements or (),
            environment=environment,
        )
        self._alarms.watch_function(self, declared.name, made.function)
        return made

    def _route(self, endpoint: Endpoint, made: MadeFunction) -> None:
        name = made.function.node.id
        HttpRoute(
            self,
            f"{name}-route",
            http_api=self._api.api,
            route_key=HttpRouteKey.with_(endpoint.path, HttpMethod(endpoint.method)),
            integration=HttpLambdaIntegration(f"{name}-integration", made.invoked),
            authorizer=None if endpoint.policy.public else self._api.authorizer,
        )

    def _read_queue(self, declared: Declared, reader: Subscriber | EventTap) -> None:
        settings = QUEUES[reader.queue]
        if settings.visibility_seconds < _VISIBILITY_PER_TIMEOUT * reader.needs.timeout_seconds:
            raise VisibilityTooShort(
                f"{reader.queue_name} needs a queue class whose visibility is {_VISIBILITY_PER_TIMEOUT} times its "
                f"timeout of {reader.needs.timeout_seconds} s; {reader.queue} has {settings.visibility_seconds} s"
            )
        dead = dead_letters(self, f"{reader.queue_name}-dlq")
        queue = subscriber_queue(self, reader.queue_name, settings, dead)
        actions = [
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ]
        if isinstance(reader, Subscriber):
            # What an open breaker kept from being tried is sent anew.
            actions.append("sqs:SendMessage")
        self.queues[reader.queue_name] = queue
        made = self._make(
            declared,
            statements=[PolicyStatement(actions=actions, resources=[queue.queue_arn])],
            environment={"QUEUE_URL": queue.queue_url},
        )
        EventSourceMapping(
            self,
            f"{reader.queue_name}-mapping",
            target=made.invoked,
            event_source_arn=queue.queue_arn,
            batch_size=settings.batch_size,
            max_concurrency=settings.max_concurrency,
            report_batch_item_failures=True,
        )
        self._alarms.watch_dead_letters(self, f"{reader.queue_name}-dlq", dead, settings.alarm_severity)
        self._alarms.watch_age(self, reader.queue_name, queue, settings.alarm_severity)
        self._deliver(reader, queue)

    def _deliver(self, reader: Subscriber | EventTap, queue: Queue) -> None:
        name = reader.queue_name
        if isinstance(reader, EventTap):
            everything = EventPattern(source=Match.prefix(""))
            self._add_rule(name, queue, reader.queue, everything, own_bus=True)
            return
        message = reader.message
        if issubclass(message, IntegrationEvent):
            pattern = EventPattern(source=[message.source()], detail_type=[message.detail_type()])
            self._add_rule(name, queue, reader.queue, pattern, own_bus=True)
        elif issubclass(message, ForeignEvent):
            self._deliver_foreign(name, queue, reader.queue, message)

    def _deliver_foreign(self, name: str, queue: Queue, queue_class: QueueClass, message: type[ForeignEvent]) -> None:
        detail = self._detail_pattern(message.detail_filter) or None
        source = message.source
        body = None
        if source == "aws.batch" and self.stage_settings.batch is None:
            # Nobody but AWS may put events with a source of AWS, so the runner's have another, made up for here.
            source = "local.batch"
            body = RuleTargetInput.from_object(
                {
                    "id": EventField.event_id,
                    "time": EventField.time,
                    "source": message.source,
                    "detail-type": message.detail_type,
                    "detail": EventField.from_path("$.detail"),
                }
            )
        pattern = EventPattern(source=[source], detail_type=[message.detail_type], detail=detail)
        self._add_rule(name, queue, queue_class, pattern, own_bus=False, body=body)

    def _add_rule(
        self,
        name: str,
        queue: Queue,
        queue_class: QueueClass,
        pattern: EventPattern,
        *,
        own_bus: bool,
        body: RuleTargetInput | None = None,
    ) -> None:
        undelivered = self._undelivered(name, QUEUES[queue_class].alarm_severity)
        Rule(
            self,
            f"{name}-rule",
            event_bus=self._resources.bus if own_bus else None,
            event_pattern=pattern,
            targets=[SqsQueue(queue, dead_letter_queue=undelivered, message=body)],
        )

    def _undelivered(self, name: str, severity: str) -> Queue:
        """Where a rule leaves what it can't hand to its target."""
        queue = dead_letters(self, f"{name}-undelivered")
        self._alarms.watch_dead_letters(self, f"{name}-undelivered", queue, severity)
        return queue

    def _read_stream(self, declared: Declared, consumer: StreamConsumer) -> None:
        table = self._resources.tables[consumer.table]
        stream = table.table_stream_arn
        if stream is None:
            raise ValueError(f"{consumer.name}: the table {consumer.table} has no stream")
        failures = dead_letters(self, f"{consumer.name}-failures")
        made = self._make(
            declared,
            statements=[
                PolicyStatement(
                    actions=["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"],
                    resources=[stream],
                ),
                # Takes no resource.
                PolicyStatement(actions=["dynamodb:ListStreams"], resources=["*"]),
                PolicyStatement(actions=["sqs:SendMessage"], resources=[failures.queue_arn]),
            ],
        )
        EventSourceMapping(
            self,
            f"{consumer.name}-mapping",
            target=made.invoked,
            event_source_arn=stream,
            starting_position=StartingPosition.TRIM_HORIZON,
            batch_size=_STREAM_BATCH,
            parallelization_factor=self.stage_settings.stream_parallelism,
            filters=[FilterCriteria.filter({"eventName": ["INSERT"]})],
            bisect_batch_on_error=True,
            report_batch_item_failures=True,
            retry_attempts=_STREAM_RETRIES,
            max_record_age=_STREAM_MAX_AGE,
            on_failure=SqsDlq(failures),
        )
        self._alarms.watch_dead_letters(self, f"{consumer.name}-failures", failures, "critical")
        self._alarms.watch_iterator_age(self, consumer.name, made.function)

    def _run_at_rate(self, schedule: routing.Schedule, made: MadeFunction) -> None:
        undelivered = self._undelivered(schedule.name, "warning")
        Rule(
            self,
            f"{schedule.name}-rule",
            schedule=Schedule.rate(Duration.minutes(schedule.every_minutes)),
            targets=[
                LambdaFunction(
                    made.invoked,
                    dead_letter_queue=undelivered,
                    retry_attempts=2,
                    max_event_age=Duration.minutes(max(schedule.every_minutes, 1)),
                )
            ],
        )

    def _detail_pattern(self, declared: Mapping[str, Any]) -> dict[str, Any]:
        """A declared filter with each `{"resource": …}` replaced by what the resource is called in events."""
        return {name: self._pattern_values(value) for name, value in declared.items()}

    def _pattern_values(self, value: Any) -> Any:
        match value:
            case {"resource": str(name), **rest} if not rest:
                return [self._name_in_events(name)]
            case Mapping():
                return self._detail_pattern(value)
            case list() | tuple():
                return [
                    self._name_in_events(one["resource"])
                    if isinstance(one, Mapping) and set(one) == {"resource"}
                    else one
                    for one in value
                ]
            case _:
                return [value]

    def _name_in_events(self, resource: str) -> str:
        if resource == "analysis-job-queue":
            return job_queue_arn(self, self._resources.analysis_name)
        return self._resources.buckets[resource].bucket_name
