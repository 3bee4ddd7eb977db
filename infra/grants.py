"""What each grant of a declaration allows: actions on one resource, and the environment variable that names it.

A transaction is authorised by the actions it is made of: TransactWriteItems has none of its own.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import ArnFormat, Stack
from aws_cdk.aws_dynamodb import ITableV2
from aws_cdk.aws_events import IEventBus
from aws_cdk.aws_iam import PolicyStatement
from aws_cdk.aws_kms import Key
from aws_cdk.aws_s3 import IBucket

from shared.aws.grants import Grant
from shared.messaging.routing import QueueClass

_READ = ("dynamodb:BatchGetItem", "dynamodb:ConditionCheckItem", "dynamodb:GetItem", "dynamodb:Query")
_WRITE = ("dynamodb:ConditionCheckItem", "dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem")

_TABLES: Mapping[Grant, tuple[str, ...]] = {
    Grant("data", "read"): _READ,
    Grant("data", "write"): _WRITE,
    Grant("outbox", "append"): ("dynamodb:PutItem",),
    Grant("outbox", "publish"): ("dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"),
    Grant("outbox", "read"): ("dynamodb:Query",),
    Grant("ephemeral", "read"): _READ,
    # What is claimed there is read first: an answer given before, a lease, a window.
    Grant("ephemeral", "write"): ("dynamodb:GetItem", *_WRITE),
    Grant("read-models", "read"): _READ,
    Grant("read-models", "write"): ("dynamodb:GetItem", *_WRITE),
    # A generation's rows lie in as many partitions as there are tenants, and no index lists them.
    Grant("read-models", "rebuild"): ("dynamodb:Scan",),
    Grant("audit", "append"): ("dynamodb:PutItem",),
    Grant("audit", "read"): _READ,
}

_OBJECTS: Mapping[str, tuple[str, ...]] = {
    "read": ("s3:GetObject",),
    "write": ("s3:PutObject",),
    "delete": ("s3:DeleteObject",),
}

_KEY: Mapping[str, str] = {"sign": "kms:Sign", "verify": "kms:GetPublicKey"}

# Names end so that the dead letters of all queues are told from the queues themselves.
_DEAD_LETTER_QUEUES = ("*-dlq", "*-undelivered", "*-failures")
_READ_QUEUE = (
    "sqs:ChangeMessageVisibility",
    "sqs:GetQueueAttributes",
    "sqs:GetQueueUrl",
    "sqs:ReceiveMessage",
)
_BATCHED = ("sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:SendMessage")
_SEND = ("sqs:GetQueueUrl", "sqs:SendMessage")

_BUCKETS = ("uploads", "results", "events")


class UnknownGrant(ValueError):
    """A declaration asks for what infrastructure doesn't know how to grant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a stage's functions can be granted, by its logical name."""

    tables: Mapping[str, ITableV2]
    buckets: Mapping[str, IBucket]
    bus: IEventBus
    token_key: Key
    cursor_secret_arn: str
    analysis_name: str
    """The name of the analysis' job queue and job definition alike."""
    answer_model: str | None = None
    """Bedrock's id of the stage's answer model."""
    dead_letter_sources: str = "{}"
    """What leaves dead letters, as functions are told it."""
    rebuild_grace_seconds: int = 120
    """How long messages in flight may take when a read model is rebuilt."""
    subscriptions: str = "[]"
    """Who subscribes to what, as functions are told it."""
    stage_prefix: str
    """What the names of the stage's queues begin with."""
    emulated: bool
    """The emulator knows no ARNs of what Batch is asked for: it authorises its calls on `*` alone."""


@dataclass(frozen=True, slots=True)
class Granted:
    statements: tuple[PolicyStatement, ...]
    environment: Mapping[str, str]


def resolve(grants: Iterable[Grant], resources: Resources, stack: Stack) -> Granted:
    """Statements and environment of a set of grants. Raises `UnknownGrant`."""
    actions: dict[tuple[str, ...], set[str]] = {}
    environment: dict[str, str] = {}
    for grant in sorted(grants, key=lambda one: (one.resource, one.access)):
        for arns, allowed in _allowed(grant, resources, stack):
            actions.setdefault(arns, set()).update(allowed)
        environment.update(_names(grant, resources))
    statements = tuple(
        PolicyStatement(actions=sorted(allowed), resources=list(arns)) for arns, allowed in actions.items()
    )
    return Granted(statements, environment)


def job_queue_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(service="batch", resource="job-queue", resource_name=name)


def _allowed(grant: Grant, resources: Resources, stack: Stack) -> Iterable[tuple[tuple[str, ...], tuple[str, ...]]]:
    match grant:
        case Grant(resource=name) if grant in _TABLES:
            table = resources.tables[name]
            yield (table.table_arn,), _TABLES[grant]
            if name == "outbox" and grant.access in ("publish", "read"):
                yield (f"{table.table_arn}/index/unpublished",), ("dynamodb:Query",)
        case Grant(resource=name, access=access) if name in _BUCKETS and access in _OBJECTS:
            bucket = resources.buckets[name]
            yield (bucket.arn_for_objects("*"),), _OBJECTS[access]
            if access in ("read", "delete"):
                # What is to be removed is found by its prefix; and S3 answers 403 for an object that isn't there to
                # whoever may not list.
                yield (bucket.bucket_arn,), ("s3:ListBucket",)
        case Grant("token-key", access) if access in _KEY:
            yield (resources.token_key.key_arn,), (_KEY[access],)
        case Grant("cursor-secret", "read"):
            yield (resources.cursor_secret_arn,), ("secretsmanager:GetSecretValue",)
        case Grant("bus", "publish"):
            yield (resources.bus.event_bus_arn,), ("events:PutEvents",)
        case Grant("dead-letters", "read" | "discard" | "redrive" as access):
            dead = tuple(queue_arn(stack, resources.stage_prefix + name) for name in _DEAD_LETTER_QUEUES)
            yield dead, _batched(resources, _READ_QUEUE if access == "read" else (*_READ_QUEUE, "sqs:DeleteMessage"))
            if access == "redrive":
                yield _subscriber_queues(resources, stack), _batched(resources, _SEND)
        case Grant("subscriptions", "read"):
            pass
        case Grant("queues", "send"):
            yield _subscriber_queues(resources, stack), _batched(resources, _SEND)
        case Grant("answer-model", "invoke"):
            if resources.answer_model is not None:
                model = stack.format_arn(
                    service="bedrock",
                    account="",
                    resource="foundation-model",
                    resource_name=resources.answer_model,
                )
                yield (model,), ("bedrock:InvokeModel",)
        case Grant("analysis-jobs", "submit"):
            definition = stack.format_arn(
                service="batch", resource="job-definition", resource_name=resources.analysis_name
            )
            # By name the latest revision is meant, which is authorised with its number.
            arns = (job_queue_arn(stack, resources.analysis_name), definition, f"{definition}:*")
            yield ("*",) if resources.emulated else arns, ("batch:SubmitJob",)
        case Grant("analysis-jobs", "terminate"):
            # Jobs are named by ids that Batch makes.
            jobs = stack.format_arn(service="batch", resource="job", resource_name="*")
            yield ("*",) if resources.emulated else (jobs,), ("batch:CancelJob", "batch:TerminateJob")
            # Batch authorises the listing of jobs on all resources alone.
            yield ("*",), ("batch:ListJobs",)
        case _:
            raise UnknownGrant(f"infrastructure knows no grant {grant.resource!r} with access {grant.access!r}")


def _names(grant: Grant, resources: Resources) -> dict[str, str]:
    if grant == Grant("read-models", "rebuild"):
        return {"REBUILD_GRACE_SECONDS": str(resources.rebuild_grace_seconds)}
    variable = grant.resource.upper().replace("-", "_")
    match grant.resource:
        case "token-key":
            return {"TOKEN_KEY_ID": resources.token_key.key_id}
        case "cursor-secret":
            return {"CURSOR_SECRET_ID": resources.cursor_secret_arn}
        case "bus":
            return {"BUS_NAME": resources.bus.event_bus_name}
        case "dead-letters":
            return {"DEAD_LETTER_SOURCES": resources.dead_letter_sources}
        case "subscriptions":
            return {"SUBSCRIPTIONS": resources.subscriptions}
        case "answer-model":
            return {"ANSWER_MODEL": resources.answer_model} if resources.answer_model else {}
        case "queues":
            return {}
        case "analysis-jobs":
            return {"ANALYSIS_JOB_QUEUE": resources.analysis_name, "ANALYSIS_JOB_DEFINITION": resources.analysis_name}
        case name if name in _BUCKETS:
            return {f"{variable}_BUCKET": resources.buckets[name].bucket_name}
        case name:
            return {f"{variable}_TABLE": resources.tables[name].table_name}


def _subscriber_queues(resources: Resources, stack: Stack) -> tuple[str, ...]:
    return tuple(queue_arn(stack, f"{resources.stage_prefix}{queue_class}-*") for queue_class in QueueClass)


def _batched(resources: Resources, actions: tuple[str, ...]) -> tuple[str, ...]:
    """SQS authorises a batch as the action it is a batch of; the emulator wants it granted by its own name."""
    if not resources.emulated:
        return actions
    return (*actions, *(f"{action}Batch" for action in actions if action in _BATCHED))


def queue_arn(stack: Stack, name: str) -> str:
    return stack.format_arn(service="sqs", resource=name, arn_format=ArnFormat.NO_RESOURCE_NAME)
