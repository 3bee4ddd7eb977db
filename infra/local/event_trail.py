"""The story of one analysis, read from the event log: every event that names it, in causal order."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

# What set a group of events off, where that was no event itself.
_TRIGGERS: Mapping[str, str] = {
    "VideoCreated": "POST …/videos",
    "VideoUploaded": "S3: Object Created",
    "VideoRejected": "S3: Object Created",
    "AnalysisRequested": "POST …/analyses",
    "AnalysisCompleted": "worker's outcome",
    "AnalysisFailed": "worker's outcome",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """An event of the log."""

    event_id: str
    name: str
    source: str
    cause_id: str
    correlation_id: str
    occurred_at: str
    data: Mapping[str, Any]

    def names(self, identity: str) -> bool:
        return identity in json.dumps(self.data)


@dataclass(frozen=True, slots=True)
class Hop:
    """A line of the trail. `cause` is the number of an earlier line."""

    number: int
    name: str
    message_id: str
    cause: int | None
    is_event: bool


@dataclass(frozen=True, slots=True)
class Other:
    """Something between two events that isn't one itself, such as a job."""

    name: str
    cause_id: str | None


class EventLog:
    """The log's bucket. Objects never change, so each is fetched once."""

    def __init__(self, s3: Any, bucket: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._fetched: dict[str, Happening] = {}

    def since(self, started: datetime, now: datetime) -> list[Happening]:
        """All events of the hours from `started` on."""
        hour = started.replace(minute=0, second=0, microsecond=0)
        while hour <= now:
            self._fetch(hour.strftime("%Y-%m-%d/%H/"))
            hour += timedelta(hours=1)
        return sorted(self._fetched.values(), key=lambda event: (event.occurred_at, event.event_id))

    def _fetch(self, prefix: str) -> None:
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                key = entry["Key"]
                if key not in self._fetched:
                    body = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
                    self._fetched[key] = _happening(json.loads(body))


def of_analysis(events: Iterable[Happening], video_id: str, analysis_id: str) -> list[Happening]:
    """What led to the analysis (its video's making and upload) and what came of it."""
    return [
        event
        for event in events
        if event.names(analysis_id) or (event.source == "visionscope.videos" and event.names(video_id))
    ]


def lacking(events: Sequence[Happening], charged_features: int) -> list[str]:
    """The events that a completed analysis still has to bring."""
    expected = ["VideoCreated", "VideoUploaded", "AnalysisRequested", "CreditsHeld", "AnalysisCompleted"]
    expected += ["CreditConsumed"] * charged_features
    for event in events:
        if event.name in expected:
            expected.remove(event.name)
    return expected


def trail(events: Sequence[Happening], others: Mapping[str, Other] | None = None) -> list[Hop]:
    """The events, each behind its cause. A cause that isn't an event itself is a hop too: one of `others` (by id), or
    what is known to set off such events.
    """
    others = others or {}
    hops: list[Hop] = []
    numbers: dict[str, int] = {}

    def add(name: str, message_id: str, cause_id: str | None, *, is_event: bool) -> None:
        if cause_id is not None and cause_id in others and cause_id not in numbers:
            add(others[cause_id].name, cause_id, others[cause_id].cause_id, is_event=False)
        numbers[message_id] = len(hops) + 1
        hops.append(Hop(len(hops) + 1, name, message_id, numbers.get(cause_id or ""), is_event))

    known = {event.event_id for event in events}
    waiting = list(events)
    while waiting:
        # The first whose cause stands already, or isn't an event; clocks of different functions may disagree.
        event = next((one for one in waiting if one.cause_id in numbers or one.cause_id not in known), waiting[0])
        waiting.remove(event)
        if event.cause_id not in numbers and event.cause_id not in known and event.cause_id not in others:
            add(_trigger(event.cause_id, events), event.cause_id, None, is_event=False)
        name = f"{event.source.removeprefix('visionscope.')}.{event.name}"
        add(name, event.event_id, event.cause_id, is_event=True)
    return hops


def _trigger(cause_id: str, events: Sequence[Happening]) -> str:
    """What a message did that isn't an event, told by one of the events it caused."""
    caused = (event.name for event in events if event.cause_id == cause_id)
    return next((_TRIGGERS[name] for name in caused if name in _TRIGGERS), "a message")


def _happening(entry: Mapping[str, Any]) -> Happening:
    metadata = entry["detail"]["metadata"]
    return Happening(
        event_id=metadata["message_id"],
        name=entry["detail-type"],
        source=entry["source"],
        cause_id=metadata["causation_id"] or "",
        correlation_id=metadata["correlation_id"],
        occurred_at=metadata["occurred_at"],
        data=entry["detail"]["data"],
    )
