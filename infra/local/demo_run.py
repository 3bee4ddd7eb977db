"""One run of the demo: who acts, on what, and what has been learned so far."""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from infra.local import aws
from infra.local.client import ApiClient
from infra.local.expectations import Check
from infra.local.screen import Screen


class StepFailed(Exception):
    """A step didn't come out as it should; the message says what is wrong."""


@dataclass(slots=True)
class Run:
    """One run of the demo: who acts, on what, and what has been learned so far."""

    screen: Screen
    api: ApiClient
    outputs: Mapping[str, str]
    video: Path
    is_known: bool
    correlation_id: str
    started: datetime
    workspace: str = ""
    video_id: str = ""
    analysis: Mapping[str, Any] = field(default_factory=dict[str, Any])
    manifest: Mapping[str, Any] = field(default_factory=dict[str, Any])
    shots: Sequence[Mapping[str, Any]] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    costs: Mapping[str, int] = field(default_factory=dict[str, int])
    checks: list[Check] = field(default_factory=list[Check])

    @property
    def video_path(self) -> str:
        return f"{self.workspace}/videos/{self.video_id}"

    def check(self, held: bool, what: str) -> None:
        self.checks.append(Check(held, what))

    def segments(self, kind: str) -> list[Mapping[str, Any]]:
        """The texts or the speech of the timeline, each once: one may lie in several shots."""
        found = {segment["segment_id"]: segment for shot in self.shots for segment in shot[kind]}
        return sorted(found.values(), key=lambda segment: int(segment["start_ms"]))

    def pages(self, path: str, items: str = "items") -> list[Mapping[str, Any]]:
        """All items of a list, page by page."""
        found: list[Mapping[str, Any]] = []
        cursor: dict[str, str | int] = {}
        while True:
            page = self.api.get(path, limit=100, **cursor)
            found += page[items]
            if page["next_cursor"] is None:
                return found
            cursor = {"cursor": page["next_cursor"]}

    def operator(self, service: str) -> Any:
        """A client with the operator's credentials, for what no customer sees."""
        return aws.client(service, self.outputs["endpoint_url"])


def until(read: Callable[[], Any], settled: Callable[[Any], bool], seconds: float) -> Any:
    """What was read when it had settled, or at last."""
    deadline = time.monotonic() + seconds
    while True:
        found = read()
        if settled(found) or time.monotonic() > deadline:
            return found
        time.sleep(0.3)


def idempotency_key() -> str:
    return secrets.token_urlsafe(16)


def short(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else f"{text[: width - 1].rstrip()}…"
