"""The audit trail: who tried what, and how it ended.

An entry for the attempt is durable before the command runs. Its end is a second entry: `succeeded` is written in the
command's own transaction, so it exists exactly when the effect does; `failed` is written afterwards. Both ends have the
same key and neither replaces the other, so an attempt has one end, whatever got lost on the way. An attempt without an
end is one whose process ended in between, and had no effect.

Entries are only ever added: the grant that a function gets allows no change and no removal. They hold ids and codes,
never what a message says.
"""

from typing import Any

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from shared.cqrs.messages import Message
from shared.cqrs.pipeline import Context, Proceed, Unread
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict, DomainError
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result
from shared.persistence.rows import Row
from shared.persistence.scope import Runtime
from shared.persistence.unit_of_work import Refused, UnitOfWork

ATTEMPTED, SUCCEEDED, FAILED, DENIED = "attempted", "succeeded", "failed", "denied"


def audit_partition(workspace_id: str) -> str:
    return f"AUDIT#workspace#{workspace_id}"


class AuditRow(Row):
    table = "audit"

    action = UnicodeAttribute()
    state = UnicodeAttribute()
    actor = UnicodeAttribute()
    at = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    target = JSONAttribute()
    """The ids in the path: what the action is about."""
    error = UnicodeAttribute(null=True)


class _EndedAlready(Conflict):
    """The attempt has its end."""


def attempt_of(entry: AuditRow) -> str:
    """The id that the entries of one attempt share: its message's. A refusal is an attempt that ended at once."""
    attempt_id: str = entry.sk.split("#")[1]
    return attempt_id


class AuditTrail:
    """Entries of one action. A workspace's are in its own partition, those outside of any in their actor's.

    An entry's sort key begins with when its attempt began, so a partition tells attempts in the order of time, with the
    end of each behind its beginning.
    """

    def __init__(self, action: str, runtime: Runtime) -> None:
        self._action = action
        self._runtime = runtime

    def attempted(self, message: Message, context: Context) -> None:
        uow = self._runtime.begin(context)
        uow.insert(self._entry(message, context, ATTEMPTED))
        uow.commit()

    def succeeded(self, message: Message, uow: UnitOfWork) -> None:
        uow.insert(self._entry(message, uow.context, SUCCEEDED))

    def failed(self, message: Message, context: Context, error_code: str) -> None:
        uow = self._runtime.begin(context)
        ended = _EndedAlready("This attempt has ended.")
        uow.insert(self._entry(message, context, FAILED, error_code), otherwise=ended)
        try:
            uow.commit()
        except Refused:
            # It had succeeded, although its caller was told otherwise (the reply of the commit was lost).
            return

    def denied(self, message: Message | Unread, context: Context, error: DomainError) -> None:
        """Keep a refusal of Authorization.

        Of callers without a name nothing is kept: anyone could fill the trail with those, and make the stage pay for
        it, while refusing them costs no call. Their log line is what tells of them (`unauthenticated`, with the
        operation), but not where they called from: a network's digest can be undone by trying all networks.

        A refusal that hides whether the workspace exists isn't shown in that workspace's trail but in its actor's.
        """
        if isinstance(context.principal, Anonymous):
            return
        uow = self._runtime.begin(context)
        uow.insert(self._entry(message, context, DENIED, error.code, in_workspace=error.code == "forbidden"))
        uow.commit()

    def _entry(
        self,
        message: Message | Unread,
        context: Context,
        state: str,
        error_code: str | None = None,
        *,
        in_workspace: bool = True,
    ) -> AuditRow:
        actor = _actor(context)
        workspace_id = context.workspace_id if in_workspace else None
        step = ATTEMPTED if state == ATTEMPTED else "ended"
        return AuditRow(
            pk=audit_partition(workspace_id) if workspace_id else f"AUDIT#{actor}",
            sk=f"{rfc3339(context.received_at)}#{context.message_id}#{step}",
            action=self._action,
            state=state,
            actor=actor,
            at=rfc3339(self._runtime.clock.now()),
            correlation_id=context.correlation_id,
            target=_target(message, context),
            error=error_code,
        )


class Audit:
    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def __call__(self, proceed: Proceed) -> Proceed:
        def audited(message: Message, context: Context) -> Result[Any]:
            self._trail.attempted(message, context)
            context.committing.append(lambda uow, _answer: self._trail.succeeded(message, uow))
            failed_with: str | None = "internal-error"
            try:
                result = proceed(message, context)
                failed_with = result.error.code if isinstance(result, Failure) else None
            except DomainError as error:
                failed_with = error.code
                raise
            finally:
                if failed_with is not None:
                    self._trail.failed(message, context, failed_with)
            return result

        return audited


def _actor(context: Context) -> str:
    return "anonymous" if isinstance(context.principal, Anonymous) else context.principal.actor


def _target(message: Message | Unread, context: Context) -> dict[str, str]:
    """What the path names, once it is validated."""
    if isinstance(message, Unread):
        return {}
    return {name: str(getattr(message, name)) for name in sorted(context.path_fields)}
