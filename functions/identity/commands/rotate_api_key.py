from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.identity.adapters.api_keys import ApiKeys, IssuedApiKey, is_active
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.errors import Conflict, Forbidden
from shared.kernel.ids import Uuid
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class RotateApiKey(Command[IssuedApiKey]):
    """Give a key another secret. The one before is refused at once, and the key acts for who rotated it."""

    workspace_id: Uuid
    api_key_id: Uuid


class RotateApiKeyHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: RotateApiKey) -> Result[IssuedApiKey]:
        caller = self._scope.context.principal
        if not isinstance(caller, User):
            return Failure(Forbidden("Only a user can rotate API keys."))
        keys = ApiKeys(self._scope, command.workspace_id)
        found = keys.changeable(command.api_key_id, caller)
        if isinstance(found, Failure):
            return found
        key = found.value
        if not is_active(key, self._scope.runtime.clock):
            return Failure(Conflict("This API key has expired. Create another."))
        if not self._scope.context.permissions.issuperset(key.scopes):
            # Otherwise a rotation were a way to get a secret that can do more than its owner.
            return Failure(Forbidden("This API key can do more than your role in this workspace."))
        return Success(keys.rotate(key, caller.user_id))


def build(scope: WriteScope) -> RotateApiKeyHandler:
    return RotateApiKeyHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/api-keys/{api_key_id}/rotate",
    RotateApiKey,
    build,
    status=200,
    # No Idempotency-Key: a repeated answer would need the secret to be kept.
    policy=Policy(
        permission="api-keys:write",
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        audit="RotateApiKey",
    ),
    summary="Give an API key another secret",
)
lambda_handler = http_function(ENDPOINT)
