"""Queues: each with a dead-letter queue, encrypted, and over TLS only where there is TLS."""

from aws_cdk import Duration
from aws_cdk.aws_sqs import DeadLetterQueue, Queue, QueueEncryption

from infra.constructs.visionscope_stack import VisionScopeStack
from shared.messaging.routing import QueueSettings

DEAD_LETTERS_KEPT = Duration.days(14)


def dead_letters(stack: VisionScopeStack, name: str) -> Queue:
    """A queue where messages end: of a subscriber, a rule's target or a stream."""
    return Queue(
        stack,
        f"{name}-queue",
        queue_name=stack.physical_name(name),
        retention_period=DEAD_LETTERS_KEPT,
        encryption=QueueEncryption.SQS_MANAGED,
        enforce_ssl=stack.stage_settings.is_cloud,
    )


def subscriber_queue(stack: VisionScopeStack, name: str, settings: QueueSettings, into: Queue) -> Queue:
    return Queue(
        stack,
        f"{name}-queue",
        queue_name=stack.physical_name(name),
        visibility_timeout=Duration.seconds(settings.visibility_seconds),
        retention_period=Duration.days(4),
        encryption=QueueEncryption.SQS_MANAGED,
        enforce_ssl=stack.stage_settings.is_cloud,
        dead_letter_queue=DeadLetterQueue(queue=into, max_receive_count=settings.max_receive_count),
    )
