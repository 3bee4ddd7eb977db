import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator

import functions
from functions.operations.queries import get_event_catalogue
from shared.cqrs.messages import IntegrationEvent
from tests.support.aws import Aws
from tests.support.http import Caller


def declared_events() -> Iterator[type[IntegrationEvent]]:
    """Every event type that stands in the `events` module of a context."""
    for context in pkgutil.iter_modules(functions.__path__, "functions."):
        name = f"{context.name}.events"
        if not context.ispkg or importlib.util.find_spec(name) is None:
            continue
        module = importlib.import_module(name)
        yield from (
            one
            for one in vars(module).values()
            if isinstance(one, type) and issubclass(one, IntegrationEvent) and one.__module__ == name
        )


def test_the_catalogue_has_every_event_of_every_context(aws: Aws) -> None:
    answer = Caller(aws.runtime).send(get_event_catalogue.ENDPOINT, "/v1/events.json")
    assert answer.status == 200
    listed = {(one["source"], one["detail_type"], one["version"]) for one in answer.json["events"]}
    assert listed == {(event.source(), event.detail_type(), event.version) for event in declared_events()}
    assert ("visionscope.videos", "AnalysisCompleted", 1) in listed


def test_what_is_published_fits_the_schema_that_the_catalogue_gives(aws: Aws) -> None:
    from tests.support.workspaces import open_workspace

    open_workspace(aws)
    answer = Caller(aws.runtime).send(get_event_catalogue.ENDPOINT, "/v1/events.json")
    schemas = {one["detail_type"]: one["json_schema"] for one in answer.json["events"]}
    for event in aws.events():
        schema = schemas[event.detail_type]
        detail = event.detail()
        assert set(schema["required"]) <= detail.keys()
        for part, definition in (("metadata", "Metadata"), ("data", event.detail_type)):
            described = schema["$defs"][definition]
            assert set(described["required"]) <= detail[part].keys() <= described["properties"].keys()
