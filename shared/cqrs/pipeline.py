"""A chain of behaviors around a handler, built once per message type.

The idea is the pipeline behavior of MediatR and the policy chain of Wolverine: a behavior sees the message and its
context, may answer by itself, and otherwise proceeds. Its shape is a decorator of the next step, as in WSGI and ASGI
middleware: what it needs is bound when the chain is built, so that a message meets one call per behavior.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from shared.cqrs.messages import Message
from shared.kernel.principals import Anonymous, Principal
from shared.kernel.result import Result


@dataclass(slots=True, kw_only=True)
class Context:
    """What is known about one message besides its fields. Made at the edge, one per message.

    `message_id` names this delivery of intent: everything derived from it (tokens, inbox items) repeats with it.
    `deadline` bounds retries; `answered_before` is set when the answer is a replay of an earlier one; `delivery` counts
    how often a queue has handed the message out. `occurred_at` and `aggregate_version` tell when an event happened and
    which version of its aggregate it made. `source` is a digest of the network that a request came from;
    `permissions` are what Authorization found the caller may do in the workspace; `path_fields` are the fields that the
    path of the request gave, `if_match` is its header of that name. Each of `committing` is called with the unit of
    work and the answer just before the transaction commits.
    """

    message_id: str
    correlation_id: str
    received_at: datetime
    deadline: datetime
    principal: Principal = field(default_factory=Anonymous)
    causation_id: str | None = None
    traceparent: str | None = None
    workspace_id: str | None = None
    source: str | None = None
    permissions: frozenset[str] = frozenset()
    idempotency_key: str | None = None
    if_match: str | None = None
    answered_before: bool = False
    delivery: int = 1
    occurred_at: str | None = None
    aggregate_version: int | None = None
    path_fields: frozenset[str] = frozenset()
    committing: list[Callable[[Any, Any], None]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Unread:
    """A message whose fields are still as they arrived; Validation makes the message of it.

    `read_fields` gives them, and may raise a `DomainError`.
    """

    type: type[Message]
    read_fields: Callable[[], Mapping[str, object]]


Proceed: TypeAlias = Callable[[Any, Context], Result[Any]]
"""A step with all that is behind it: answers a message, which is `Unread` on its way to Validation."""

Behavior: TypeAlias = Callable[[Proceed], Proceed]


def chain(behaviors: Sequence[Behavior], handle: Proceed) -> Proceed:
    """The behaviors around `handle`, the first one outermost; without behaviors, `handle` itself."""
    for behavior in reversed(behaviors):
        handle = behavior(handle)
    return handle


def operation(message: Message | Unread) -> str:
    """The name of what is asked for."""
    return (message.type if isinstance(message, Unread) else type(message)).__name__


def raw_fields(message: Message | Unread) -> Mapping[str, object]:
    """The fields by name, parsed or not. May raise a `DomainError`."""
    return message.read_fields() if isinstance(message, Unread) else message.model_dump()
