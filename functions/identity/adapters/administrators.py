"""Who runs the platform: users whom an operator of the stage has named. No endpoint writes these rows."""

import re
from collections.abc import Iterator

from functions.identity.adapters.rows import (
    ADMINISTRATORS,
    CLAIM,
    USER,
    AdministratorRow,
    EmailClaimRow,
    UserRow,
    email_partition,
    user_partition,
)
from shared.kernel.errors import DuplicateEntity, NotFound
from shared.kernel.ids import UUID_PATTERN
from shared.kernel.principals import Principal, User
from shared.persistence.rows import Row
from shared.persistence.scope import Runtime
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork

_UUID = re.compile(UUID_PATTERN)


class NamedAdministrators:
    """Read consistently at each request, so that a removal is immediate."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def include(self, principal: Principal) -> bool:
        if not isinstance(principal, User):
            return False
        return self._runtime.store.get(AdministratorRow, ADMINISTRATORS, principal.user_id) is not None


class Administrators:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, user_id: str, added_by: str, added_at: str) -> None:
        row = AdministratorRow(pk=ADMINISTRATORS, sk=user_id, added_by=added_by, added_at=added_at, version=1)
        self._uow.insert(row, otherwise=DuplicateEntity("This user is an administrator already."))

    def remove(self, user_id: str) -> None:
        missing = NotFound("This user is no administrator.")
        self._uow.delete(AdministratorRow, ADMINISTRATORS, user_id, condition=Row.pk.exists(), otherwise=missing)


def all_administrators(store: Store) -> Iterator[AdministratorRow]:
    return store.all(AdministratorRow, ADMINISTRATORS)


def find_user_id(store: Store, email_or_id: str) -> str | None:
    """The id of a registered user; `None` where there is none."""
    if _UUID.match(email_or_id):
        return email_or_id if store.get(UserRow, user_partition(email_or_id), USER) else None
    claim = store.get(EmailClaimRow, email_partition(email_or_id.strip().lower()), CLAIM)
    return claim.user_id if claim else None
