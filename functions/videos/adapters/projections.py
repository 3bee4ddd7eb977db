"""A workspace's videos, newest first: their ids sort by the time they were made.

Only ids and the status are kept. What a list shows besides it reads from the videos themselves, so titles stay in one
place, which is the place that an erasure empties and a renaming changes.
"""

from functions.videos.events import VideoChanged
from shared.messaging.projections import Fact, State, StateProjection


def _video(fact: Fact[VideoChanged]) -> State:
    return State(fact.event.workspace_id, fact.event.video_id, {"status": fact.event.status})


VIDEOS = StateProjection("videos", VideoChanged, _video)
