from functions.entry import http_function
from functions.identity.adapters.sessions import token_key
from functions.resources import TOKENS_VERIFY
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope
from shared.security.tokens import TokenKey


class Jwks(View):
    keys: list[dict[str, str]]


class GetJwks(Query[Jwks]):
    """The public keys that access tokens are signed with (RFC 7517)."""


class GetJwksHandler:
    def __init__(self, key: TokenKey) -> None:
        self._key = key

    def __call__(self, query: GetJwks) -> Result[Jwks]:
        return Success(Jwks(keys=self._key.jwks()["keys"]))


def build(scope: ReadScope) -> GetJwksHandler:
    return GetJwksHandler(token_key(scope.runtime))


ENDPOINT = query(
    "/v1/.well-known/jwks.json",
    GetJwks,
    build,
    policy=Policy(public=True),
    summary="Public keys of access tokens",
    needs=FunctionNeeds(grants=(TOKENS_VERIFY,)),
)
lambda_handler = http_function(ENDPOINT)
