"""The event log: every event of the bus as an object in S3, written by a tap on the bus and read back here.

Keys begin with the hour in which the event occurred, then tell its kind: `<date>/<hour>/<source>/<detail type>/<message
id>.json`. So a reader goes through the hours in order, and hours in which nothing at all happened cost it nothing.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.aws.settings import Settings
from shared.cqrs.messages import IntegrationEvent
from shared.kernel.clock import rfc3339
from shared.messaging.envelope import Metadata, data_of
from shared.messaging.payloads import Payloads
from shared.messaging.registry import read_event

_KEY = re.compile(r"(\d{4}-\d\d-\d\d/\d\d)/.+")


def object_key(body: Mapping[str, Any]) -> str:
    """Where an event is kept, given as EventBridge hands it to a queue."""
    metadata = body["detail"]["metadata"]
    occurred_at: str = metadata["occurred_at"]
    return (
        f"{occurred_at[:10]}/{occurred_at[11:13]}/{body['source']}/{body['detail-type']}/{metadata['message_id']}.json"
    )


def hour_of(moment: datetime) -> str:
    """The hour that the keys of a moment's events begin with; as a position, the beginning of that hour."""
    return rfc3339(moment)[:13].replace("T", "/")


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some keys of one kind of event within an hour, possibly none; where the walk goes on, and whether it does."""

    keys: Sequence[str]
    position: str
    goes_on: bool


class EventLog:
    """Needs `EVENTS_READ`."""

    def __init__(self, s3: Any, settings: Settings) -> None:
        self._s3 = s3
        self._bucket = settings["EVENTS_BUCKET"]

    def page(self, source: str, detail_type: str, position: str, last_hour: str, limit: int) -> LogPage:
        """At most `limit` (1 to 1,000) keys of one kind behind a position, none of a later hour than the last.

        A position is one that an earlier page gave, or an hour; `""` is the beginning of the log. Two calls at most.
        """
        within = _KEY.fullmatch(position)
        hour = within[1] if within else self._next_hour(position)
        if hour is None or hour > last_hour:
            return LogPage((), position, goes_on=False)
        answer = self._s3.list_objects_v2(
            Bucket=self._bucket,
            Prefix=f"{hour}/{source}/{detail_type}/",
            StartAfter=position if within else hour,
            MaxKeys=limit,
        )
        keys: list[str] = [one["Key"] for one in answer.get("Contents", [])]
        # `0` is the character behind `/`: no key of this hour comes after that.
        return LogPage(keys, keys[-1] if answer.get("IsTruncated") else f"{hour}0", goes_on=True)

    def read(self, key: str) -> str:
        """An event as EventBridge handed it to the log."""
        body: str = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        return body

    def _next_hour(self, position: str) -> str | None:
        """The hour of the first key behind a position; payloads, which sort behind all hours, aren't in one."""
        answer = self._s3.list_objects_v2(Bucket=self._bucket, StartAfter=position, MaxKeys=1)
        first: list[dict[str, str]] = answer.get("Contents", [])
        found = _KEY.fullmatch(first[0]["Key"]) if first else None
        return found[1] if found else None


def parse_logged(expected: type[IntegrationEvent], body: str, payloads: Payloads) -> tuple[IntegrationEvent, Metadata]:
    """An event of the log as its type is now.

    Raises `UnreadableMessage`, `DamagedPayload`, or what reading malformed JSON raises (`ValueError`, `KeyError`,
    `TypeError`).
    """
    detail = json.loads(body)["detail"]
    metadata = Metadata.model_validate(detail["metadata"])
    return read_event(expected, metadata, data_of(metadata, detail["data"], payloads)), metadata
