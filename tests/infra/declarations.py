"""One function of each kind, in contexts that exist for these tests alone."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from infra.declarations import Declared
from shared.aws.grants import BUS_PUBLISH, OUTBOX_PUBLISH, Grant
from shared.cqrs.messages import Command, IntegrationEvent, MessageCommand, Query, View
from shared.cqrs.policy import Idempotency, Policy
from shared.http.endpoint import command, query
from shared.kernel.result import Result, Success
from shared.messaging.routing import (
    EventTap,
    ForeignEvent,
    FunctionNeeds,
    QueueClass,
    Schedule,
    StreamConsumer,
    Subscriber,
)


class Shown(View):
    name: str


class PaintFence(Command[Shown]):
    workspace_id: str


class GetFence(Query[Shown]):
    workspace_id: str


class ListColours(Query[Shown]):
    pass


class FencePainted(IntegrationEvent):
    service_name: ClassVar[str] = "fences"
    aggregate_type: ClassVar[str] = "fence"


class ObjectCreated(ForeignEvent):
    source: ClassVar[str] = "aws.s3"
    detail_type: ClassVar[str] = "Object Created"
    detail_filter: ClassVar[Mapping[str, Any]] = {"bucket": {"name": [{"resource": "uploads"}]}}


class JobEnded(ForeignEvent):
    source: ClassVar[str] = "aws.batch"
    detail_type: ClassVar[str] = "Batch Job State Change"
    detail_filter: ClassVar[Mapping[str, Any]] = {
        "status": ["FAILED"],
        "jobQueue": [{"resource": "analysis-job-queue"}],
    }


class CompleteAnalysis(MessageCommand):
    pass


def _build(_scope: object) -> Callable[[Any], Result[Any]]:
    return lambda _message: Success(Shown(name="fence"))


def declared(module: str, declaration: Any) -> Declared:
    return Declared(f"functions.{module}", declaration)


def subscriber(name: str, message: Any, queue: QueueClass, needs: FunctionNeeds | None = None) -> Subscriber:
    return Subscriber(name=name, message=message, queue=queue, build=_build, needs=needs or FunctionNeeds())


PAINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/fences",
    PaintFence,
    _build,
    status=201,
    policy=Policy(permission="fences:paint", idempotency=Idempotency.REQUIRED),
    summary="Paint a fence",
    needs=FunctionNeeds(grants=(Grant("uploads", "write"), Grant("token-key", "sign"))),
)

DECLARED = [
    declared("fences.commands.paint_fence", PAINT),
    declared(
        "fences.queries.get_fence",
        query(
            "/v1/workspaces/{workspace_id}/fences",
            GetFence,
            _build,
            policy=Policy(permission="fences:read"),
            summary="Look at it",
            needs=FunctionNeeds(layers=("embedding",), memory_mb=1024),
        ),
    ),
    declared(
        "fences.queries.list_colours",
        query("/v1/colours", ListColours, _build, policy=Policy(public=True), summary="What there is"),
    ),
    declared("fences.subscribers.on_fence_painted", subscriber("admire-fence", FencePainted, QueueClass.NOTIFICATIONS)),
    declared("gates.subscribers.on_upload", subscriber("complete-upload", ObjectCreated, QueueClass.VIDEO_PROCESSING)),
    declared("gates.subscribers.on_job_ended", subscriber("fail-analysis", JobEnded, QueueClass.VIDEO_PROCESSING)),
    declared(
        "gates.subscribers.complete_analysis",
        subscriber("complete-analysis", CompleteAnalysis, QueueClass.VIDEO_PROCESSING),
    ),
    declared(
        "gates.subscribers.submit_analysis",
        subscriber(
            "submit-analysis",
            FencePainted,
            QueueClass.VIDEO_PROCESSING,
            FunctionNeeds(grants=(Grant("analysis-jobs", "submit"), Grant("analysis-jobs", "terminate"))),
        ),
    ),
    declared(
        "gates.subscribers.publish_outbox",
        StreamConsumer(
            name="publish-outbox", table="outbox", needs=FunctionNeeds(grants=(OUTBOX_PUBLISH, BUS_PUBLISH))
        ),
    ),
    declared(
        "gates.subscribers.sweep_outbox",
        Schedule(name="sweep-outbox", every_minutes=5, needs=FunctionNeeds(grants=(OUTBOX_PUBLISH, BUS_PUBLISH))),
    ),
    declared(
        "gates.subscribers.log_events",
        EventTap(
            name="log-events", queue=QueueClass.ANALYTICS, needs=FunctionNeeds(grants=(Grant("events", "write"),))
        ),
    ),
]
