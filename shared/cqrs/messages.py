"""Commands change, queries don't, events are facts.

A message is a frozen pydantic model that refuses unknown fields. `Command[R]` and `Query[R]` name the type of their
answer, so that `mediator.send(message)` is typed by the message alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.kernel.errors import FieldError

R_co = TypeVar("R_co", covariant=True)


class Message(BaseModel):
    # A function imports many models and meets few of them: each is built when it is first needed.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    def rules(self) -> Iterable[FieldError]:
        """Cross-field rules: yields one error for each that is broken."""
        return ()


class View(BaseModel):
    """What an answer shows: the body of an HTTP response."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    def significant(self) -> str:
        """What an `ETag` is made of: everything, unless a view leaves out what changes without a meaning."""
        return self.model_dump_json()


class Command(Message, Generic[R_co]):
    """An intent to change something, answered by an `R_co`."""


class Query(Message, Generic[R_co]):
    """A question that changes nothing, answered by an `R_co`."""


class Event(Message):
    """A fact within a context, in the past tense. Carries ids, never secrets or personal data."""


class IntegrationEvent(Event):
    """A fact that others program against: published as `source` + `detail-type`, listed in the event catalogue.

    `version` changes with a breaking change of the data (both versions are then published for a while);
    `schema_version` counts additions within it; `upcasters` holds, by schema version, what turns data of that one into
    data of the next (a field that has a default needs none).
    """

    service_name: ClassVar[str]
    aggregate_type: ClassVar[str]
    version: ClassVar[int] = 1
    schema_version: ClassVar[int] = 1
    upcasters: ClassVar[Mapping[int, Callable[[dict[str, Any]], dict[str, Any]]]] = {}

    @classmethod
    def source(cls) -> str:
        return f"visionscope.{cls.service_name}"

    @classmethod
    def detail_type(cls) -> str:
        return cls.__name__


class MessageCommand(Command[None]):
    """A command that travels through a queue instead of an HTTP request. `service_name` names who takes it.

    `schema_version` is raised with what it holds: a handler of an older release leaves a newer command alone.
    """

    service_name: ClassVar[str]
    schema_version: ClassVar[int] = 1


def answer_type(message: type[Message]) -> Any:
    """The `R` of a `Command[R]` or `Query[R]`.

    Raises `TypeError` for a message that is neither.
    """
    for base in message.__mro__:
        generic = getattr(base, "__pydantic_generic_metadata__", None)
        if generic and generic["origin"] in (Command, Query):
            return generic["args"][0]
    raise TypeError(f"{message.__name__} is neither a Command[R] nor a Query[R]")
