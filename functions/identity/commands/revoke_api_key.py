from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.identity.adapters.api_keys import ApiKeys
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.errors import Forbidden
from shared.kernel.ids import Uuid
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class RevokeApiKey(Command[None]):
    """End a key; it is refused from the next request on."""

    workspace_id: Uuid
    api_key_id: Uuid


class RevokeApiKeyHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: RevokeApiKey) -> Result[None]:
        caller = self._scope.context.principal
        if not isinstance(caller, User):
            return Failure(Forbidden("Only a user can revoke API keys."))
        keys = ApiKeys(self._scope, command.workspace_id)
        found = keys.changeable(command.api_key_id, caller)
        if isinstance(found, Failure):
            return found
        keys.revoke(found.value)
        return Success(None)


def build(scope: WriteScope) -> RevokeApiKeyHandler:
    return RevokeApiKeyHandler(scope)


ENDPOINT = command(
    "DELETE",
    "/v1/workspaces/{workspace_id}/api-keys/{api_key_id}",
    RevokeApiKey,
    build,
    status=204,
    policy=Policy(
        permission="api-keys:write",
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        audit="RevokeApiKey",
    ),
    summary="Revoke an API key",
)
lambda_handler = http_function(ENDPOINT)
