"""Refused by default: who is calling, whether the workspace is theirs, and whether their role allows it.

Runs before the request is even parsed, so an anonymous caller gets 401 and a foreign workspace 404, whatever the body.
"""

import re
from typing import TYPE_CHECKING, Any, Protocol

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.cqrs.policy import Policy
from shared.kernel.errors import DomainError, Forbidden, NotFound, Unauthenticated
from shared.kernel.ids import UUID_PATTERN
from shared.kernel.principals import Anonymous, Principal
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
            return None
        workspace_id = context.workspace_id
        if workspace_id is None or not _UUID.match(workspace_id):
            return NotFound()
        permissions = self._access.permissions(context.principal, workspace_id)
        if permissions is None:
            return NotFound()
        if self._policy.permission not in permissions:
            return Forbidden(f"Your role in this workspace lacks the permission {self._policy.permission}.")
        context.permissions = permissions
        return None
