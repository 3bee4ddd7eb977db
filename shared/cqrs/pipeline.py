"""A chain of behaviors around a handler, built once per message type.

The idea is the pipeline behavior of MediatR and the policy chain of Wolverine: a behavior sees the invocation, may
answer by itself, and otherwise proceeds.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import FunctionType
from typing import Any, Protocol, TypeAlias

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
    `permissions` are what Authorization found the caller may do in the workspace.
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
    answered_before: bool = False
    delivery: int = 1
    occurred_at: str | None = None
    aggregate_version: int | None = None


@dataclass(slots=True)
class Invocation:
    """One message on its way through the chain.

    `read_fields` gives the raw fields as they arrived (and may raise a `DomainError`); `message` is set by Validation,
    or from the start when the sender had the typed message. Each of `committing` is called with the unit of work and
    the answer just before the transaction commits.
    """

    message_type: type[Message]
    context: Context
    read_fields: Callable[[], Mapping[str, object]] = dict[str, object]
    path_fields: frozenset[str] = frozenset()
    message: Message | None = None
    committing: list[Callable[[Any, Any], None]] = field(default_factory=list)


Proceed: TypeAlias = Callable[[Invocation], Result[Any]]


class Behavior(Protocol):
    def __call__(self, invocation: Invocation, proceed: Proceed) -> Result[Any]: ...


def chain(behaviors: Sequence[Behavior], handle: Proceed) -> Proceed:
    """The behaviors around `handle`, the first one outermost; without behaviors, `handle` itself."""
    proceed = handle
    for behavior in reversed(behaviors):
        proceed = _around(behavior, proceed)
    return proceed


def _around(behavior: Behavior, proceed: Proceed) -> Proceed:
    # Over a bound method, so that no call leaves the interpreter: a `partial` over the object takes four times as long.
    call = behavior if isinstance(behavior, FunctionType) else behavior.__call__
    return lambda invocation: call(invocation, proceed)
