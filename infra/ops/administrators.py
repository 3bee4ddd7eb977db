"""Naming those who run the platform. There is no endpoint for it: it takes credentials of the stage."""

from collections.abc import Callable

from functions.identity.public import Administrators, all_administrators, find_user_id
from functions.operations.commands import discard_dead_letter
from infra.ops.stage import StageAccess
from shared.cqrs.messages import Command, Query, View
from shared.cqrs.policy import Policy
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.principals import System
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope, WriteScope

# Its function writes business rows, events and the audit trail too.
_SETTINGS_OF = discard_dead_letter.__name__


class Administrator(View):
    user_id: str
    added_by: str
    added_at: str


class AllAdministrators(View):
    items: list[Administrator]


class NameAdministrator(Command[Administrator]):
    """`user` is a user's id or e-mail address."""

    user: str


class DismissAdministrator(Command[None]):
    user: str


class ListAdministrators(Query[AllAdministrators]):
    pass


def _name(scope: WriteScope) -> Callable[[NameAdministrator], Result[Administrator]]:
    def handle(command: NameAdministrator) -> Result[Administrator]:
        user_id = find_user_id(scope.store, command.user)
        if user_id is None:
            return Failure(NotFound(f"No user is registered as {command.user}."))
        added_at = rfc3339(scope.runtime.clock.now())
        Administrators(scope.uow).add(user_id, _operator(scope), added_at)
        return Success(Administrator(user_id=user_id, added_by=_operator(scope), added_at=added_at))

    return handle


def _dismiss(scope: WriteScope) -> Callable[[DismissAdministrator], Result[None]]:
    def handle(command: DismissAdministrator) -> Result[None]:
        # A user who is gone may still be named by id.
        Administrators(scope.uow).remove(find_user_id(scope.store, command.user) or command.user)
        return Success(None)

    return handle


def _list(scope: ReadScope) -> Callable[[ListAdministrators], Result[AllAdministrators]]:
    def handle(query: ListAdministrators) -> Result[AllAdministrators]:
        rows = all_administrators(scope.store)
        items = [Administrator(user_id=row.sk, added_by=row.added_by, added_at=row.added_at) for row in rows]
        return Success(AllAdministrators(items=items))

    return handle


def _operator(scope: WriteScope) -> str:
    principal = scope.context.principal
    assert isinstance(principal, System), "nobody else gets here"
    return principal.actor


def name_administrator(stage: StageAccess, user: str) -> Result[Administrator]:
    return stage.run(NameAdministrator(user=user), _policy("NameAdministrator"), _name, settings_of=_SETTINGS_OF)


def dismiss_administrator(stage: StageAccess, user: str) -> Result[None]:
    return stage.run(
        DismissAdministrator(user=user), _policy("DismissAdministrator"), _dismiss, settings_of=_SETTINGS_OF
    )


def list_administrators(stage: StageAccess) -> Result[AllAdministrators]:
    return stage.run(ListAdministrators(), _policy(None), _list, settings_of=_SETTINGS_OF)


def _policy(audit: str | None) -> Policy:
    return Policy(administrators=True, audit=audit)
