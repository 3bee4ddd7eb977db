"""Brings videos into the index of moments, as the bus does in a stage."""

from functions.videos.subscribers import index_moments, remove_superseded_tables
from tests.support.aws import Aws
from tests.support.queues import deliver, from_bus


def index_moments_of_videos(aws: Aws) -> None:
    """Deliver what happened to videos, and then what that did to the index; what was delivered before has no effect."""
    for event in aws.events("VideoChanged"):
        assert deliver(index_moments.SUBSCRIBER, from_bus(event), aws.runtime)
    for event in aws.events("MomentIndexChanged"):
        assert deliver(remove_superseded_tables.SUBSCRIBER, from_bus(event), aws.runtime)
