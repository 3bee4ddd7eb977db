import functions.billing.public as billing
import functions.conversations.public as conversations
import functions.identity.public as identity
import functions.operations.public as operations
import functions.videos.public as videos
import functions.workspaces.public as workspaces
from functions.entry import http_function
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Caching, Policy
from shared.http.endpoint import query
from shared.kernel.result import Result, Success
from shared.messaging.registry import CatalogueEntry, EventTypes
from shared.persistence.scope import ReadScope


class EventCatalogue(View):
    events: list[CatalogueEntry]


class GetEventCatalogue(Query[EventCatalogue]):
    """The events that rules outside of the project can be written for, each with its JSON Schema."""


class GetEventCatalogueHandler:
    def __call__(self, query: GetEventCatalogue) -> Result[EventCatalogue]:
        published = EventTypes(
            event
            for context in (billing, conversations, identity, operations, videos, workspaces)
            for event in context.EVENTS
        )
        return Success(EventCatalogue(events=published.catalogue()))


def build(_scope: ReadScope) -> GetEventCatalogueHandler:
    return GetEventCatalogueHandler()


ENDPOINT = query(
    "/v1/events.json",
    GetEventCatalogue,
    build,
    # It changes with the code alone.
    policy=Policy(public=True, caching=Caching(ttl_seconds=3600)),
    summary="The catalogue of published events",
)
lambda_handler = http_function(ENDPOINT)
