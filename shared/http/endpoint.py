"""An endpoint is declared once, beside its handler.

From the declaration come the Lambda function, its route and role, the OpenAPI document and the tests that walk every
route.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from shared.aws.grants import AUDIT_APPEND, DATA_READ, DATA_WRITE, EPHEMERAL_READ, EPHEMERAL_WRITE, OUTBOX_APPEND, Grant
from shared.cqrs.messages import Command, Message, Query, View
from shared.cqrs.policy import Idempotency, Policy
from shared.kernel.result import Result
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope, WriteScope

C = TypeVar("C", bound=Message)


class Redirect(View):
    """What was asked for is elsewhere: answered with 303 and the address, which may be good for a while only."""

    address: str


_PATH_FIELD = re.compile(r"{(\w+)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One route and the message it sends.

    `status` is that of a success, which is 202 instead where `is_unfinished` says so of what is shown. `build` makes
    the handler from the scope of one message. `present` turns the handler's answer into what is shown, for what must be
    made anew at every answer, replays included (signed URLs). `location` gives the `Location` header from the path
    fields and what is shown.
    """

    method: str
    path: str
    message: type[Message]
    build: Callable[[Any], Callable[[Any], Result[Any]]]
    status: int
    policy: Policy
    summary: str
    needs: FunctionNeeds = field(default_factory=FunctionNeeds)
    present: Callable[[ReadScope, Any], object] | None = None
    location: Callable[[dict[str, str], Any], str] | None = None
    is_unfinished: Callable[[Any], bool] | None = None

    @property
    def changes_state(self) -> bool:
        return issubclass(self.message, Command)

    @property
    def path_fields(self) -> frozenset[str]:
        return frozenset(_PATH_FIELD.findall(self.path))

    @property
    def grants(self) -> frozenset[Grant]:
        """What the function may touch: what its kind and policy imply, and what it asks for on top."""
        implied = {DATA_READ}
        if self.changes_state:
            implied |= {DATA_WRITE, OUTBOX_APPEND}
        if self.policy.idempotency is not Idempotency.NONE or self.policy.rate_limit is not None:
            implied.add(EPHEMERAL_WRITE)
        if self.policy.caching is not None and (self.policy.caching.tags or self.policy.caching.shared):
            implied.add(EPHEMERAL_READ)
        if self.policy.caching is not None and self.policy.caching.shared:
            implied.add(EPHEMERAL_WRITE)
        if self.policy.audit is not None:
            implied.add(AUDIT_APPEND)
        return frozenset(implied | set(self.needs.grants))


def command(
    method: str,
    path: str,
    message: type[C],
    build: Callable[[WriteScope], Callable[[C], Result[Any]]],
    *,
    status: int,
    policy: Policy,
    summary: str,
    needs: FunctionNeeds | None = None,
    present: Callable[[ReadScope, Any], object] | None = None,
    location: Callable[[dict[str, str], Any], str] | None = None,
    is_unfinished: Callable[[Any], bool] | None = None,
) -> Endpoint:
    """Declare a command's endpoint. Raises `TypeError` for a message that is no command."""
    if not issubclass(message, Command):
        raise TypeError(f"{message.__name__} is not a Command")
    return Endpoint(
        method=method,
        path=path,
        message=message,
        build=build,
        status=status,
        policy=policy,
        summary=summary,
        needs=needs or FunctionNeeds(),
        present=present,
        location=location,
        is_unfinished=is_unfinished,
    )


def query(
    path: str,
    message: type[C],
    build: Callable[[ReadScope], Callable[[C], Result[Any]]],
    *,
    policy: Policy,
    summary: str,
    method: str = "GET",
    needs: FunctionNeeds | None = None,
    present: Callable[[ReadScope, Any], object] | None = None,
) -> Endpoint:
    """Declare a query's endpoint. Raises `TypeError` for a message that is no query."""
    if not issubclass(message, Query):
        raise TypeError(f"{message.__name__} is not a Query")
    return Endpoint(
        method=method,
        path=path,
        message=message,
        build=build,
        status=200,
        policy=policy,
        summary=summary,
        needs=needs or FunctionNeeds(),
        present=present,
    )
