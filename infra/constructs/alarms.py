"""Alarms and dashboards of what is declared, in the stages that have them."""

# pyright: reportArgumentType=false
# The CDK's classes name some parameters otherwise than their interfaces do; mypy checks the arguments nonetheless.

from collections.abc import Mapping

from aws_cdk import Duration, Stack
from aws_cdk.aws_cloudwatch import (
    Alarm,
    ComparisonOperator,
    Dashboard,
    GraphWidget,
    IMetric,
    IWidget,
    Metric,
    TreatMissingData,
)
from aws_cdk.aws_cloudwatch_actions import SnsAction
from aws_cdk.aws_lambda import Function
from aws_cdk.aws_sns import Topic
from aws_cdk.aws_sqs import Queue

_PERIOD = Duration.minutes(5)
_OLDEST_MESSAGE_SECONDS = 900
_OLDEST_RECORD_MS = 60_000


class Alarms:
    """`topics` are by severity; a stage without topics has no alarms, and all here does nothing."""

    def __init__(self, topics: Mapping[str, Topic]) -> None:
        self._topics = topics
        self._functions: dict[Stack, list[Function]] = {}
        self._queues: dict[Stack, list[Queue]] = {}

    def watch_function(self, stack: Stack, name: str, function: Function) -> None:
        """Crashes and time-outs. A refusal that the code foresees is no error."""
        self._functions.setdefault(stack, []).append(function)
        self._add(stack, f"{name}-errors", function.metric_errors(period=_PERIOD), 1, "warning")

    def watch_dead_letters(self, stack: Stack, name: str, queue: Queue, severity: str) -> None:
        metric = queue.metric_approximate_number_of_messages_visible(period=_PERIOD)
        self._add(stack, f"{name}-not-empty", metric, 1, severity)

    def watch_age(self, stack: Stack, name: str, queue: Queue, severity: str) -> None:
        self._queues.setdefault(stack, []).append(queue)
        metric = queue.metric_approximate_age_of_oldest_message(period=_PERIOD)
        self._add(stack, f"{name}-age", metric, _OLDEST_MESSAGE_SECONDS, severity)

    def watch_iterator_age(self, stack: Stack, name: str, function: Function) -> None:
        metric = function.metric("IteratorAge", statistic="Maximum", period=_PERIOD)
        self._add(stack, f"{name}-lag", metric, _OLDEST_RECORD_MS, "critical")

    def watch_api(self, stack: Stack, api_id: str) -> None:
        errors = Metric(
            namespace="AWS/ApiGateway",
            metric_name="5xx",
            dimensions_map={"ApiId": api_id},
            statistic="Average",
            period=_PERIOD,
        )
        self._add(stack, "api-5xx", errors, 0.01, "critical")

    def dashboard(self, stack: Stack, name: str) -> None:
        if not self._topics:
            return
        functions = self._functions.get(stack, [])
        queues = self._queues.get(stack, [])
        widgets: list[IWidget] = [
            _graph("Errors", [function.metric_errors(label=function.node.id) for function in functions]),
            _graph(
                "Duration, p95",
                [function.metric_duration(label=function.node.id, statistic="p95") for function in functions],
            ),
            _graph(
                "Oldest message",
                [queue.metric_approximate_age_of_oldest_message(label=queue.node.id) for queue in queues],
            ),
        ]
        Dashboard(stack, "Dashboard", dashboard_name=f"{stack.stack_name}-{name}", widgets=[widgets])

    def _add(self, stack: Stack, name: str, metric: IMetric, threshold: float, severity: str) -> None:
        if not self._topics:
            return
        alarm = Alarm(
            stack,
            f"{name}-alarm",
            alarm_name=f"{stack.stack_name}-{name}",
            metric=metric,
            threshold=threshold,
            evaluation_periods=1,
            comparison_operator=ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=TreatMissingData.NOT_BREACHING,
        )
        alarm.add_alarm_action(SnsAction(self._topics[severity]))


def _graph(title: str, metrics: list[IMetric]) -> GraphWidget:
    return GraphWidget(title=title, left=metrics, width=8, height=6)
