"""Refused by default: who is calling, whether the workspace is theirs, and whether their role and their key allow it.

Runs before the request is even parsed, so an anonymous caller gets 401 and a foreign workspace 404, whatever the body.
What depends on the body is a rule of the policy's own, applied once it is parsed.
"""

import re
from typing import TYPE_CHECKING, Any, Protocol

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.cqrs.policy import AccessRule as Rule
from shared.cqrs.policy import Policy
from shared.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from shared.kernel.ids import UUID_PATTERN
from shared.kernel.principals import Anonymous, ApiKey, Principal
from shared.kernel.result import Failure, Result

if TYPE_CHECKING:
    from shared.behaviors.audit import AuditTrail

_UUID = re.compile(UUID_PATTERN)


class WorkspaceAccess(Protocol):
    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        """What the principal may do in a workspace; `None` when it isn't theirs or doesn't exist."""
        ...


class PlatformAdministrators(Protocol):
    def include(self, principal: Principal) -> bool:
        """Whether the principal runs the platform."""
        ...


class Nobody:
    """A platform without administrators."""

    def include(self, principal: Principal) -> bool:
        return False


class Authorization:
    """With a `trail`, refusals are kept in it."""

    def __init__(
        self,
        policy: Policy,
        access: WorkspaceAccess,
        trail: "AuditTrail | None" = None,
        administrators: PlatformAdministrators | None = None,
    ) -> None:
        self._policy = policy
        self._access = access
        self._trail = trail
        self._administrators = administrators or Nobody()

    def __call__(self, proceed: Proceed) -> Proceed:
        def authorized(message: Message | Unread, context: Context) -> Result[Any]:
            refusal = self._refusal(context)
            if refusal is None:
                return proceed(message, context)
            if self._trail is not None:
                self._trail.denied(message, context, refusal)
            return Failure(refusal)

        return authorized

    def _refusal(self, context: Context) -> DomainError | None:
        if self._policy.public:
            return None
        if isinstance(context.principal, Anonymous):
            return Unauthenticated(context.principal.reason)
        if self._policy.administrators and not self._administrators.include(context.principal):
            return NotFound()
        if self._policy.permission is None:
            return _beyond_its_workspace(context.principal)
        workspace_id = context.workspace_id
        if workspace_id is None or not _UUID.match(workspace_id):
            return NotFound()
        if isinstance(context.principal, ApiKey) and context.principal.workspace_id != workspace_id:
            return NotFound()
        permissions = self._access.permissions(context.principal, workspace_id)
        if permissions is None:
            return NotFound()
        if self._policy.permission not in permissions:
            return Forbidden(f"Your role in this workspace lacks the permission {self._policy.permission}.")
        if isinstance(context.principal, ApiKey):
            permissions &= context.principal.scopes
            if self._policy.permission not in permissions:
                return Forbidden(f"This API key lacks the scope {self._policy.permission}.")
        context.permissions = permissions
        return None


class AccessRule:
    """Applies a policy's own rule to the parsed message. With a `trail`, refusals are kept in it."""

    def __init__(self, rule: Rule, trail: "AuditTrail | None" = None) -> None:
        self._rule = rule
        self._trail = trail

    def __call__(self, proceed: Proceed) -> Proceed:
        def ruled(message: Message, context: Context) -> Result[Any]:
            refusal = self._rule(message, context)
            if refusal is None:
                return proceed(message, context)
            if self._trail is not None:
                self._trail.denied(message, context, refusal)
            return Failure(refusal)

        return ruled


def _beyond_its_workspace(principal: Principal) -> DomainError | None:
    """A key is for what is asked with a permission; what is a person's own is none of its business."""
    if isinstance(principal, ApiKey):
        return Forbidden("An API key is good for what lies in its workspace. Log in for this.")
    return None
