from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from shared.cqrs.messages import IntegrationEvent
from shared.messaging.envelope import Metadata
from shared.messaging.registry import EventTypes, UnreadableMessage, read_event


def add_currency(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "currency": "USD"}


def split_name(data: dict[str, Any]) -> dict[str, Any]:
    first, _, last = data.pop("name").partition(" ")
    return {**data, "first": first, "last": last}


class PriceChanged(IntegrationEvent):
    """A price is another
    now.
    """

    service_name = "shop"
    aggregate_type = "product"
    schema_version = 4
    upcasters: ClassVar = {1: add_currency, 3: split_name}

    amount: int
    currency: str
    first: str
    last: str
    note: str = "none"


def metadata(schema_version: int = 1, version: int = 1) -> Metadata:
    return Metadata(
        message_id="m",
        occurred_at="2026-03-01T12:00:00.000Z",
        correlation_id="c",
        service_name="shop",
        schema_version=schema_version,
        version=version,
    )


def test_an_event_of_every_earlier_schema_reads_as_the_newest() -> None:
    newest = PriceChanged(amount=5, currency="USD", first="Ann", last="Lee")
    assert read_event(PriceChanged, metadata(1), {"amount": 5, "name": "Ann Lee"}) == newest
    for schema_version in (2, 3):
        data = {"amount": 5, "currency": "USD", "name": "Ann Lee"}
        assert read_event(PriceChanged, metadata(schema_version), data) == newest
        assert data["name"] == "Ann Lee", "what was given is left as it is"
    assert read_event(PriceChanged, metadata(4), newest.model_dump()) == newest


def test_a_newer_schema_or_another_version_is_refused_with_what_is_known() -> None:
    with pytest.raises(UnreadableMessage, match="schema version 5, known is 4"):
        read_event(PriceChanged, metadata(5), {})
    with pytest.raises(UnreadableMessage, match="version 2, known is 1"):
        read_event(PriceChanged, metadata(4, version=2), {})
    with pytest.raises(ValidationError):
        read_event(PriceChanged, metadata(4), {"amount": "much"})


def test_the_catalogue_tells_source_name_versions_and_the_schema_of_the_detail() -> None:
    (entry,) = EventTypes([PriceChanged]).catalogue()
    assert (entry.source, entry.detail_type, entry.version, entry.schema_version) == (
        "visionscope.shop",
        "PriceChanged",
        1,
        4,
    )
    assert entry.description == "A price is another now."
    schema = entry.json_schema
    assert schema["required"] == ["metadata", "data"]
    data = schema["$defs"]["PriceChanged"]
    assert data["properties"]["amount"] == {"title": "Amount", "type": "integer"}
    assert set(data["required"]) == {"amount", "currency", "first", "last"}
    assert "message_id" in schema["$defs"]["Metadata"]["properties"]
    assert "additionalProperties" not in data, "fields may be added within a version"


def test_one_name_and_version_is_one_event() -> None:
    class Impostor(IntegrationEvent):
        service_name = "shop"
        aggregate_type = "product"

        @classmethod
        def detail_type(cls) -> str:
            return "PriceChanged"

    assert len(list(EventTypes([PriceChanged, PriceChanged]))) == 1
    with pytest.raises(ValueError, match="declared twice"):
        EventTypes([PriceChanged, Impostor])
