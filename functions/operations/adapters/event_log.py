"""The event log read back: events of one kind in the order of the hours they occurred in."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from shared.persistence.scope import Runtime

_READERS = 8
_HOUR = "%Y-%m-%d/%H"


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """`key` is where the walk goes on behind this event; `body` is what EventBridge hands to a queue."""

    key: str
    occurred_at: datetime
    body: str


class EventLog:
    def __init__(self, runtime: Runtime) -> None:
        self._s3: Any = runtime.client("s3")
        self._bucket = runtime.settings["EVENTS_BUCKET"]

    def walk(
        self, source: str, detail_type: str, begin: datetime, end: datetime, *, after: str | None = None
    ) -> Iterator[LoggedEvent]:
        """Events that occurred from `begin` until before `end`, behind the key `after`."""
        keys = self._keys(f"{source}/{detail_type}/", begin.strftime(_HOUR), end.strftime(_HOUR), after)
        with ThreadPoolExecutor(_READERS) as readers:
            while batch := list(islice(keys, _READERS)):
                for event in readers.map(self._read, batch):
                    if begin <= event.occurred_at < end:
                        yield event

    def _keys(self, kind: str, first_hour: str, last_hour: str, after: str | None) -> Iterator[str]:
        # Keys sort by hour, so an hour in which nothing happened costs nothing.
        hour = self._hour_from(after[: len(first_hour)] + "/" if after else first_hour + "/")
        while hour is not None and hour <= last_hour:
            request: dict[str, Any] = {"Bucket": self._bucket, "Prefix": f"{hour}/{kind}"}
            if after is not None and after.startswith(hour):
                request["StartAfter"] = after
            for page in self._s3.get_paginator("list_objects_v2").paginate(**request):
                yield from (entry["Key"] for entry in page.get("Contents", []))
            # `0` is the character behind `/`: the first key of a later hour.
            hour = self._hour_from(f"{hour}0")

    def _hour_from(self, key: str) -> str | None:
        """The hour of the first key behind this one; payloads, which sort behind all hours, aren't one."""
        answer = self._s3.list_objects_v2(Bucket=self._bucket, StartAfter=key, MaxKeys=1)
        found: list[dict[str, str]] = answer.get("Contents", [])
        return "/".join(found[0]["Key"].split("/")[:2]) if found and found[0]["Key"][:1].isdigit() else None

    def _read(self, key: str) -> LoggedEvent:
        body: str = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read().decode()
        return LoggedEvent(key, datetime.fromisoformat(json.loads(body)["detail"]["metadata"]["occurred_at"]), body)
