"""The Lambda authorizer: resolves who is calling and refuses nobody.

Refusing is Authorization's, in the pipeline, because a denying authorizer answers a bare 403 where clients expect a 401
problem. A revoked session or API key is noticed at once: it is read at every request.
"""

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from functions.identity.adapters.api_keys import recognise
from functions.identity.adapters.sessions import is_active, read_session, token_key
from functions.resources import TOKENS_VERIFY
from shared.aws.grants import DATA_READ
from shared.http.entry import header, principal_context
from shared.kernel.principals import Anonymous, Principal, User
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import Runtime
from shared.security.tokens import InvalidToken, TokenKey

NEEDS = FunctionNeeds(grants=(DATA_READ, TOKENS_VERIFY))


class Authorizer:
    def __init__(self, runtime: Runtime | None = None) -> None:
        self._given_runtime = runtime

    @cached_property
    def _runtime(self) -> Runtime:
        return self._given_runtime or Runtime()

    @cached_property
    def _key(self) -> TokenKey:
        return token_key(self._runtime)

    def __call__(self, event: Mapping[str, Any], _lambda_context: Any = None) -> dict[str, object]:
        return {"isAuthorized": True, "context": principal_context(self._resolve(event))}

    def _resolve(self, event: Mapping[str, Any]) -> Principal:
        authorization, api_key = header(event, "authorization"), header(event, "x-api-key")
        if authorization is not None and api_key is not None:
            return Anonymous("Send either the Authorization header or X-Api-Key, so that it is clear who is calling.")
        if api_key is not None:
            unknown = Anonymous("The API key is unknown, revoked or expired.")
            return recognise(self._runtime.store, api_key.strip(), self._runtime.clock) or unknown
        if authorization is not None:
            return self._resolve_token(authorization)
        return Anonymous()

    def _resolve_token(self, authorization: str) -> Principal:
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            return Anonymous("The Authorization header must be `Bearer <access_token>`.")
        try:
            claims = self._key.verify(token.strip())
        except InvalidToken as invalid:
            return Anonymous(str(invalid))
        session = read_session(self._runtime.store, claims.user_id, claims.session_id)
        if not is_active(session, self._runtime.clock):
            return Anonymous("The session is over. Log in again.")
        return User(claims.user_id, claims.session_id)


lambda_handler = Authorizer()
