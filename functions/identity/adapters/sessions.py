"""Sessions and the pair of tokens that a session is used with."""

import secrets
from typing import Literal

from functions.identity.adapters.rows import SESSION, SessionRow, user_partition
from functions.identity.domain.accounts import SessionOver, digest
from functions.identity.events import SessionRevoked, SessionStarted
from shared.cqrs.messages import View
from shared.kernel.clock import Clock, rfc3339
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import Runtime, WriteScope
from shared.persistence.store import Store
from shared.security.tokens import LIFETIME_SECONDS, Claims, TokenKey

SESSION_SECONDS = 30 * 24 * 3600


class TokenPair(View):
    session_id: str
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"
    expires_in: int


def token_key(runtime: Runtime) -> TokenKey:
    return TokenKey(runtime.client("kms"), runtime.settings["TOKEN_KEY_ID"], runtime.clock)


def read_session(store: Store, user_id: str, session_id: str) -> SessionRow | None:
    return store.get(SessionRow, user_partition(user_id), SESSION + session_id)


def is_active(session: SessionRow | None, clock: Clock) -> bool:
    return session is not None and session.revoked_at is None and session.expires_at > clock.now().timestamp()


class Sessions:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope
        self._uow = scope.uow
        self._clock = scope.runtime.clock

    def start(self, user_id: str) -> TokenPair:
        session_id = self._scope.runtime.ids.new()
        now = self._clock.now()
        refresh_token = _refresh_token(user_id, session_id)
        self._uow.insert(
            SessionRow(
                pk=user_partition(user_id),
                sk=SESSION + session_id,
                refresh_digest=digest(refresh_token),
                started_at=rfc3339(now),
                expires_at=int(now.timestamp()) + SESSION_SECONDS,
                version=1,
            )
        )
        self._uow.record(SessionStarted(user_id=user_id, session_id=session_id), session_id, version=1)
        return self._pair(user_id, session_id, refresh_token)

    def refresh(self, refresh_token: str) -> Result[TokenPair | None]:
        """A new pair for the session's current refresh token.

        A token that was used before is a stolen one or its thief's victim: the session is revoked, and the answer is
        `None`, so that the revocation is committed.
        """
        user_id, _, rest = refresh_token.partition(".")
        session_id, _, _ = rest.partition(".")
        session = read_session(self._scope.store, user_id, session_id)
        if session is None or not is_active(session, self._clock):
            return Failure(SessionOver())
        if not secrets.compare_digest(session.refresh_digest, digest(refresh_token)):
            self.revoke(user_id, session_id, "refresh_token_reused")
            return Success(None)
        following = _refresh_token(user_id, session_id)
        self._uow.update(
            SessionRow,
            session.pk,
            session.sk,
            [SessionRow.refresh_digest.set(digest(following)), SessionRow.version.add(1)],
            condition=SessionRow.refresh_digest == session.refresh_digest,
        )
        return Success(self._pair(user_id, session_id, following))

    def revoke(self, user_id: str, session_id: str, reason: str) -> None:
        self._uow.update(
            SessionRow,
            user_partition(user_id),
            SESSION + session_id,
            [SessionRow.revoked_at.set(rfc3339(self._clock.now())), SessionRow.version.add(1)],
            condition=SessionRow.revoked_at.does_not_exist(),
        )
        self._uow.record(SessionRevoked(user_id=user_id, session_id=session_id, reason=reason), session_id, version=2)

    def _pair(self, user_id: str, session_id: str, refresh_token: str) -> TokenPair:
        return TokenPair(
            session_id=session_id,
            access_token=token_key(self._scope.runtime).issue(Claims(user_id, session_id)),
            refresh_token=refresh_token,
            expires_in=LIFETIME_SECONDS,
        )


def _refresh_token(user_id: str, session_id: str) -> str:
    return f"{user_id}.{session_id}.{secrets.token_urlsafe(32)}"
