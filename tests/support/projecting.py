"""Brings what happened to the read models and into the event log, as the bus does in a stage."""

import json

from functions.billing.subscribers import project_usage
from functions.conversations.subscribers import project_conversations
from functions.operations.subscribers.log_events import LogEvents
from functions.videos.subscribers import project_videos
from functions.workspaces.subscribers import project_workspaces
from tests.support.aws import Aws
from tests.support.queues import deliver, from_bus

PROJECTORS = (
    project_conversations.SUBSCRIBER,
    project_usage.SUBSCRIBER,
    project_videos.SUBSCRIBER,
    project_workspaces.SUBSCRIBER,
)


def project(aws: Aws) -> None:
    """Deliver every event so far to its projector; those it had before change nothing."""
    for event in aws.events():
        for subscriber in PROJECTORS:
            if subscriber.message.__name__ == event.detail_type:
                assert deliver(subscriber, from_bus(event), aws.runtime)


def log_events(aws: Aws) -> None:
    records = [{"messageId": str(at), "body": json.dumps(from_bus(event))} for at, event in enumerate(aws.events())]
    assert LogEvents(aws.runtime)({"Records": records}) == {"batchItemFailures": []}
