"""The composition root: turns a declaration into a Lambda handler.

`lambda_handler = http_function(ENDPOINT)` and `lambda_handler = queue_function(SUBSCRIBER)` are all that a slice
writes.
"""

from typing import TYPE_CHECKING

from functions.workspaces.public import workspace_access
from shared.behaviors.order import message_chain, request_chain
from shared.cqrs.pipeline import Proceed
from shared.http.endpoint import Endpoint
from shared.http.entry import HttpFunction
from shared.persistence.scope import Runtime

if TYPE_CHECKING:
    from shared.messaging.consumer import QueueFunction
    from shared.messaging.routing import Subscriber


def http_function(endpoint: Endpoint) -> HttpFunction:
    return HttpFunction(endpoint, compose_request)


def queue_function(subscriber: "Subscriber") -> "QueueFunction":
    # Not at the top: three functions in four read no queue.
    from shared.messaging.consumer import QueueFunction

    return QueueFunction(subscriber, compose_message)


def compose_request(endpoint: Endpoint, runtime: Runtime) -> Proceed:
    # Not at the top either: what a policy doesn't ask for would only make a function's first call later.
    administrators, tiers = None, None
    if endpoint.policy.administrators:
        from functions.identity.public import platform_administrators

        administrators = platform_administrators(runtime)
    if endpoint.policy.rate_limit is not None:
        from functions.billing.public import tier_limits

        tiers = tier_limits(runtime)
    return request_chain(
        endpoint.message,
        endpoint.policy,
        endpoint.build,
        runtime,
        workspace_access(runtime),
        endpoint.present,
        tiers,
        administrators=administrators,
    )


def compose_message(subscriber: "Subscriber", runtime: Runtime) -> Proceed:
    return message_chain(subscriber.build, runtime)
