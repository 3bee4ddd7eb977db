"""The envelope that every event and queued command travels in; the `detail` of an EventBridge entry.

`{"metadata": {…}, "data": {…}}`: the metadata tells where a message comes from (`correlation_id` names the whole story,
`causation_id` the message that caused this one), the data is the message itself.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from shared.cqrs.messages import IntegrationEvent, MessageCommand
from shared.cqrs.pipeline import Context
from shared.kernel.clock import rfc3339
from shared.messaging.payloads import PayloadReference, Payloads


class Aggregate(BaseModel):
    """What the event is about, and its version after the change."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    type: str
    id: str
    version: int


class Metadata(BaseModel):
    # A later version may add members, so unknown ones are ignored.
    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    message_id: str
    occurred_at: str
    correlation_id: str
    causation_id: str | None = None
    schema_version: int = 1
    version: int = 1
    service_name: str
    workspace_id: str | None = None
    aggregate: Aggregate | None = None
    traceparent: str | None = None
    payload: PayloadReference | None = None
    """Where the data is, when it is too large to travel along; `data` is empty then."""


def data_of(metadata: Metadata, data: Mapping[str, Any], payloads: Payloads) -> Mapping[str, Any]:
    """A message's data, wherever it is. Raises `DamagedPayload` and `PayloadUnavailable`."""
    if metadata.payload is None:
        return data
    fetched: dict[str, Any] = json.loads(payloads.get(metadata.payload))
    return fetched


class Destination(BaseModel):
    """The queue of a command's handler by its logical name. The command is delivered after `delay_seconds` at the
    earliest.
    """

    model_config = ConfigDict(frozen=True)

    queue: str
    delay_seconds: int = 0


class Envelope(BaseModel):
    """A message with its metadata. `source` and `detail_type` are what EventBridge rules match on; a command has a
    `destination` and doesn't go over the bus.
    """

    model_config = ConfigDict(frozen=True, defer_build=True)

    source: str
    detail_type: str
    metadata: Metadata
    data: dict[str, Any]
    destination: Destination | None = None

    def detail(self) -> dict[str, Any]:
        without = None if self.metadata.payload else {"payload"}
        return {"metadata": self.metadata.model_dump(mode="json", exclude=without), "data": self.data}

    def detail_json(self) -> str:
        without = None if self.metadata.payload else {"metadata": {"payload"}}
        return self.model_dump_json(include={"metadata", "data"}, exclude=without)

    def by_reference(self, payload: PayloadReference) -> "Envelope":
        """The same message with its data elsewhere."""
        return self.model_copy(update={"metadata": self.metadata.model_copy(update={"payload": payload}), "data": {}})


def enclose(
    event: IntegrationEvent, aggregate: Aggregate, context: Context, *, message_id: str, occurred_at: datetime
) -> Envelope:
    """The envelope of an event that the message of `context` causes."""
    workspace_id = getattr(event, "workspace_id", None)
    return Envelope(
        source=event.source(),
        detail_type=event.detail_type(),
        metadata=Metadata(
            message_id=message_id,
            occurred_at=rfc3339(occurred_at),
            correlation_id=context.correlation_id,
            causation_id=context.message_id,
            schema_version=event.schema_version,
            version=event.version,
            service_name=event.service_name,
            workspace_id=workspace_id if isinstance(workspace_id, str) else context.workspace_id,
            aggregate=aggregate,
            traceparent=context.traceparent,
        ),
        data=event.model_dump(mode="json"),
    )


def enclose_command(
    command: MessageCommand, destination: Destination, context: Context, *, message_id: str, occurred_at: datetime
) -> Envelope:
    """The envelope of a command that the message of `context` causes."""
    workspace_id = getattr(command, "workspace_id", None)
    return Envelope(
        source=f"visionscope.{command.service_name}",
        detail_type=type(command).__name__,
        metadata=Metadata(
            message_id=message_id,
            occurred_at=rfc3339(occurred_at),
            correlation_id=context.correlation_id,
            causation_id=context.message_id,
            schema_version=command.schema_version,
            service_name=command.service_name,
            workspace_id=workspace_id if isinstance(workspace_id, str) else context.workspace_id,
            traceparent=context.traceparent,
        ),
        data=command.model_dump(mode="json"),
        destination=destination,
    )
