"""The API keys of a workspace, one row each; a revoked one's row is gone, and with it what it could do."""

import secrets
from collections.abc import Sequence
from datetime import datetime

from functions.identity.adapters.rows import API_KEY, ApiKeyRow, api_keys_partition
from functions.identity.domain.accounts import digest
from functions.identity.domain.api_keys import ApiKeyId, named_by, new_secret, refuse_change
from functions.identity.events import ApiKeyCreated, ApiKeyRevoked, ApiKeyRotated
from shared.cqrs.messages import View
from shared.kernel.clock import Clock, rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.principals import ApiKey, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store


class ApiKeyView(View):
    """`issued_by` is the user for whom the key acts: it can never do more than they can."""

    api_key_id: str
    name: str
    scopes: list[str]
    issued_by: str
    created_at: str
    rotated_at: str | None
    expires_at: str | None
    active: bool


class IssuedApiKey(ApiKeyView):
    """A key with its secret, which is shown this once."""

    secret: str


def read_api_key(store: Store, workspace_id: str, api_key_id: str) -> ApiKeyRow | None:
    return store.get(ApiKeyRow, api_keys_partition(workspace_id), API_KEY + api_key_id)


def recognise(store: Store, secret: str, clock: Clock) -> ApiKey | None:
    """Whose secret it is; `None` for one that is unknown, revoked, replaced by another or expired."""
    named = named_by(secret)
    row = read_api_key(store, *named) if named else None
    if named is None or row is None or not secrets.compare_digest(row.secret_digest, digest(secret)):
        return None
    if not is_active(row, clock):
        return None
    return ApiKey(named.api_key_id, named.workspace_id, row.issued_by, frozenset(row.scopes))


def is_active(row: ApiKeyRow, clock: Clock) -> bool:
    return row.expires_at is None or row.expires_at > rfc3339(clock.now())


def show(row: ApiKeyRow, clock: Clock) -> ApiKeyView:
    return ApiKeyView(
        api_key_id=row.sk.removeprefix(API_KEY),
        name=row.name,
        scopes=row.scopes,
        issued_by=row.issued_by,
        created_at=row.created_at,
        rotated_at=row.rotated_at,
        expires_at=row.expires_at,
        active=is_active(row, clock),
    )


class ApiKeys:
    """Makes, replaces and revokes keys of one workspace."""

    def __init__(self, scope: WriteScope, workspace_id: str) -> None:
        self._uow = scope.uow
        self._store = scope.store
        self._permissions = scope.context.permissions
        self._runtime = scope.runtime
        self._workspace_id = workspace_id
        self._partition = api_keys_partition(workspace_id)

    def create(self, name: str, scopes: Sequence[str], issued_by: str, expires_at: datetime | None) -> IssuedApiKey:
        api_key_id = self._runtime.ids.new()
        secret = new_secret(ApiKeyId(self._workspace_id, api_key_id))
        row = ApiKeyRow(
            pk=self._partition,
            sk=API_KEY + api_key_id,
            name=name,
            scopes=sorted(scopes),
            issued_by=issued_by,
            secret_digest=digest(secret),
            created_at=rfc3339(self._runtime.clock.now()),
            expires_at=rfc3339(expires_at) if expires_at else None,
            version=1,
        )
        self._uow.insert(row)
        created = ApiKeyCreated(
            workspace_id=self._workspace_id,
            api_key_id=api_key_id,
            issued_by=issued_by,
            scopes=row.scopes,
            expires_at=row.expires_at,
        )
        self._uow.record(created, api_key_id, version=1)
        return self._issued(row, secret)

    def changeable(self, api_key_id: str, user: User) -> Result[ApiKeyRow]:
        """A key, if the user may rotate or revoke it."""
        row = read_api_key(self._store, self._workspace_id, api_key_id)
        if row is None:
            return Failure(NotFound())
        refusal = refuse_change(issued_by=row.issued_by, user_id=user.user_id, permissions=self._permissions)
        return Success(row) if refusal is None else Failure(refusal)

    def rotate(self, row: ApiKeyRow, issued_by: str) -> IssuedApiKey:
        """Give a key another secret. The one before is refused from the next request on."""
        api_key_id = row.sk.removeprefix(API_KEY)
        secret, replaced = new_secret(ApiKeyId(self._workspace_id, api_key_id)), row.secret_digest
        row.issued_by, row.secret_digest = issued_by, digest(secret)
        row.rotated_at = rfc3339(self._runtime.clock.now())
        row.version += 1
        self._uow.put(row, condition=ApiKeyRow.secret_digest == replaced)
        rotated = ApiKeyRotated(workspace_id=self._workspace_id, api_key_id=api_key_id, issued_by=issued_by)
        self._uow.record(rotated, api_key_id, version=int(row.version))
        return self._issued(row, secret)

    def revoke(self, row: ApiKeyRow) -> None:
        api_key_id = row.sk.removeprefix(API_KEY)
        self._uow.delete(ApiKeyRow, self._partition, row.sk, condition=ApiKeyRow.version == row.version)
        revoked = ApiKeyRevoked(workspace_id=self._workspace_id, api_key_id=api_key_id)
        self._uow.record(revoked, api_key_id, version=int(row.version) + 1)

    def _issued(self, row: ApiKeyRow, secret: str) -> IssuedApiKey:
        return IssuedApiKey(**show(row, self._runtime.clock).model_dump(), secret=secret)
