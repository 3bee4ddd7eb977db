"""The order of behaviors, in one place. A behavior that a policy doesn't ask for isn't in the chain at all.

Nor is it imported: what a function doesn't use would only make its first call later.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from shared.behaviors.authorization import AccessRule, Authorization, PlatformAdministrators, WorkspaceAccess
from shared.behaviors.error_boundary import ErrorBoundary
from shared.behaviors.logging import Logging
from shared.behaviors.transaction import Transaction
from shared.behaviors.validation import Validation
from shared.cqrs.messages import Command, Message
from shared.cqrs.pipeline import Behavior, Context, Proceed, chain
from shared.cqrs.policy import Idempotency as KeyPolicy
from shared.cqrs.policy import Policy
from shared.kernel.result import Result
from shared.persistence.scope import ReadScope, Runtime, WriteScope
from shared.persistence.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from shared.behaviors.answers import AnswerCache
    from shared.behaviors.audit import AuditTrail
    from shared.behaviors.rate_limiting import Limits


def request_chain(
    message_type: type[Message],
    policy: Policy,
    build: Callable[[Any], Callable[[Any], Result[Any]]],
    runtime: Runtime,
    access: WorkspaceAccess,
    present: Callable[[ReadScope, Any], object] | None = None,
    tiers: "Limits | None" = None,
    cache: "AnswerCache | None" = None,
    administrators: PlatformAdministrators | None = None,
) -> Proceed:
    """A request's chain; what stands in parentheses only where the policy asks for it.

    Commands: Logging -> ErrorBoundary -> (Presentation) -> Authorization -> (RateLimiting) -> Validation, with the
    command's own rules -> (AccessRule) -> (Idempotency) -> (Audit) -> Transaction -> handler.
    Queries: Logging -> ErrorBoundary -> (Presentation) -> Authorization -> (RateLimiting) -> Validation ->
    (AccessRule) -> (Caching) -> handler.

    Logging stands outside the boundary, so that its line tells how the request ended for the caller, crashes included.
    A replayed answer is no new attempt, so Audit stands behind Idempotency. `tiers` says the limits that depend on a
    tier; `cache` is this process' own unless one is shared; without `administrators` there are none. Raises
    `ValueError` for a policy that the kind of message can't have.
    """
    behaviors = request_behaviors(message_type, policy, runtime, access, present, tiers, cache, administrators)
    if issubclass(message_type, Command):
        return chain(behaviors, Transaction(runtime.begin, _in_transaction(build, runtime)))

    def handle(message: Message, context: Context) -> Result[Any]:
        return build(ReadScope(runtime, context))(message)

    return chain(behaviors, handle)


def request_behaviors(
    message_type: type[Message],
    policy: Policy,
    runtime: Runtime,
    access: WorkspaceAccess,
    present: Callable[[ReadScope, Any], object] | None = None,
    tiers: "Limits | None" = None,
    cache: "AnswerCache | None" = None,
    administrators: PlatformAdministrators | None = None,
) -> list[Behavior]:
    """The behaviors of a request's chain, the outermost first; see `request_chain`."""
    changes_state = issubclass(message_type, Command)
    if policy.audit is not None and not changes_state:
        raise ValueError(f"{message_type.__name__} changes nothing that an audit trail could tell")
    if policy.caching is not None and changes_state:
        raise ValueError(f"{message_type.__name__} changes something: its answer can't be cached")
    trail = _audit_trail(policy.audit, runtime) if policy.audit is not None else None
    behaviors: list[Behavior] = [Logging(policy.slow_after_ms, _namespace(runtime)), ErrorBoundary()]
    if present is not None:
        from shared.behaviors.presentation import Presentation

        behaviors.append(Presentation(present, runtime))
    behaviors.append(Authorization(policy, access, trail, administrators))
    if policy.rate_limit is not None:
        from shared.behaviors.rate_limiting import RateLimiting

        behaviors.append(RateLimiting(policy.rate_limit, runtime, tiers))
    behaviors.append(Validation())
    if policy.access_rule is not None:
        behaviors.append(AccessRule(policy.access_rule, trail))
    if policy.idempotency is not KeyPolicy.NONE:
        from shared.behaviors.idempotency import Idempotency

        behaviors.append(Idempotency(policy.idempotency, message_type, runtime, claims_key=policy.claims_key))
    if policy.caching is not None:
        from shared.behaviors.caching import Caching

        behaviors.append(Caching(policy.caching, message_type, runtime, cache))
    if trail is not None:
        from shared.behaviors.audit import Audit

        behaviors.append(Audit(trail))
    return behaviors


def message_chain(build: Callable[[Any], Callable[[Any], Result[Any]]], runtime: Runtime) -> Proceed:
    """A queued message's chain: Logging -> ErrorBoundary -> Validation -> handler in a transaction."""
    behaviors: list[Behavior] = [Logging(Policy().slow_after_ms, _namespace(runtime)), ErrorBoundary(), Validation()]
    return chain(behaviors, Transaction(runtime.begin, _in_transaction(build, runtime)))


def _audit_trail(action: str, runtime: Runtime) -> "AuditTrail":
    from shared.behaviors.audit import AuditTrail

    return AuditTrail(action, runtime)


def _namespace(runtime: Runtime) -> str:
    """Where the metrics of a stage are: those of another never mix with them."""
    return f"VisionScope/{runtime.settings.get('STAGE', 'none')}"


def _in_transaction(
    build: Callable[[Any], Callable[[Any], Result[Any]]], runtime: Runtime
) -> Callable[[Message, Context, UnitOfWork], Result[Any]]:
    def handle(message: Message, context: Context, uow: UnitOfWork) -> Result[Any]:
        return build(WriteScope(runtime, context, uow=uow))(message)

    return handle
