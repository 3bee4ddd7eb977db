"""The event types that are known: how one written at another time is read, and the catalogue of all.

An upcaster turns the data of one schema version into that of the next, so handlers only ever see the newest (Young,
"Versioning in an Event Sourced System").
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, create_model

from shared.cqrs.messages import IntegrationEvent, Message, MessageCommand
from shared.messaging.envelope import Metadata

E = TypeVar("E", bound=IntegrationEvent)
C = TypeVar("C", bound=MessageCommand)
M = TypeVar("M", bound=Message)


class UnreadableMessage(ValueError):
    """A message that this code is too old to read, or that is of another version. The text says which."""


def read_event(expected: type[E], metadata: Metadata, data: Mapping[str, Any]) -> E:
    """An event as its type is now, whatever schema version it was written with.

    Raises `UnreadableMessage` for another version (which is another contract, and has subscribers of its own) and for a
    newer schema than this code knows, and pydantic's `ValidationError` for data that doesn't fit.
    """
    if metadata.version != expected.version:
        raise UnreadableMessage(f"{expected.__name__} version {metadata.version}, known is {expected.version}")
    _check_schema(expected, metadata)
    current = dict(data)
    for schema_version in range(metadata.schema_version, expected.schema_version):
        upcast = expected.upcasters.get(schema_version)
        if upcast is not None:
            current = upcast(current)
    return read_fields(expected, current)


def read_command(expected: type[C], metadata: Metadata, data: Mapping[str, Any]) -> C:
    """A queued command. Raises `UnreadableMessage` for a newer schema than this code knows, and `ValidationError`."""
    _check_schema(expected, metadata)
    return read_fields(expected, data)


def _check_schema(expected: type[IntegrationEvent] | type[MessageCommand], metadata: Metadata) -> None:
    if metadata.schema_version > expected.schema_version:
        raise UnreadableMessage(
            f"{expected.__name__} has schema version {metadata.schema_version}, known is {expected.schema_version}"
        )


def read_fields(expected: type[M], data: Mapping[str, Any]) -> M:
    """Parse the fields that this code knows; others are ignored."""
    known = {name: value for name, value in data.items() if name in expected.model_fields}
    return expected.model_validate_json(json.dumps(known))


class CatalogueEntry(BaseModel):
    """One event as rule writers need it; `json_schema` is that of the event's whole `detail`."""

    model_config = ConfigDict(frozen=True)

    source: str
    detail_type: str
    version: int
    schema_version: int
    aggregate_type: str
    description: str
    json_schema: dict[str, Any]


class EventTypes:
    """Raises `ValueError` for two types that are published under one name and version."""

    def __init__(self, types: Iterable[type[IntegrationEvent]]) -> None:
        self._types: dict[tuple[str, str, int], type[IntegrationEvent]] = {}
        for event in types:
            key = (event.source(), event.detail_type(), event.version)
            if self._types.setdefault(key, event) is not event:
                raise ValueError(f"{event.detail_type()} version {event.version} of {event.source()} is declared twice")

    def __iter__(self) -> Any:
        return iter(self._types.values())

    def catalogue(self) -> list[CatalogueEntry]:
        """All event types, by source, name and version."""
        return [
            CatalogueEntry(
                source=event.source(),
                detail_type=event.detail_type(),
                version=event.version,
                schema_version=event.schema_version,
                aggregate_type=event.aggregate_type,
                description=_description(event),
                json_schema=_detail_schema(event),
            )
            for _, event in sorted(self._types.items())
        ]


def _description(event: type[IntegrationEvent]) -> str:
    # A class without a docstring inherits that of its base.
    return " ".join((event.__dict__.get("__doc__") or "").split())


def _detail_schema(event: type[IntegrationEvent]) -> dict[str, Any]:
    detail = create_model(event.detail_type() + "Detail", metadata=(Metadata, ...), data=(event, ...))
    schema = detail.model_json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        # Within a version fields may be added, so whoever validates must let them pass.
        part.pop("additionalProperties", None)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
