from collections.abc import Iterable

from pydantic import AwareDatetime

from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.identity.adapters.api_keys import ApiKeys, IssuedApiKey
from functions.identity.domain.api_keys import ApiKeyName, Scopes
from functions.workspaces.public import API_KEY_SCOPES
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.errors import DomainError, FieldError, Forbidden, ValidationFailed
from shared.kernel.ids import Uuid
from shared.kernel.principals import User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class CreateApiKey(Command[IssuedApiKey]):
    """Let software into a workspace. Without `expires_at` the key is good until it is revoked."""

    workspace_id: Uuid
    name: ApiKeyName
    scopes: Scopes
    expires_at: AwareDatetime | None = None

    def rules(self) -> Iterable[FieldError]:
        for position, scope in enumerate(self.scopes):
            if scope not in API_KEY_SCOPES:
                known = ", ".join(sorted(API_KEY_SCOPES))
                yield FieldError(f"/scopes/{position}", "unknown-scope", f"A key can have the scopes {known}")
            elif scope in self.scopes[:position]:
                yield FieldError(f"/scopes/{position}", "duplicate-scope", "This scope is given already")


class CreateApiKeyHandler:
    def __init__(self, scope: WriteScope) -> None:
        self._scope = scope

    def __call__(self, command: CreateApiKey) -> Result[IssuedApiKey]:
        creator = self._scope.context.principal
        if not isinstance(creator, User):
            return Failure(Forbidden("Only a user can make API keys."))
        if command.expires_at is not None and command.expires_at <= self._scope.runtime.clock.now():
            return Failure(ValidationFailed([FieldError("/expires_at", "in-the-past", "This time is over")]))
        keys = ApiKeys(self._scope, command.workspace_id)
        return Success(keys.create(command.name, command.scopes, creator.user_id, command.expires_at))


def own_permissions_only(command: CreateApiKey, context: Context) -> DomainError | None:
    """Nobody gives a key what they lack themselves."""
    lacking = sorted(set(command.scopes) - context.permissions)
    return Forbidden(f"Your role in this workspace lacks {', '.join(lacking)}.") if lacking else None


def build(scope: WriteScope) -> CreateApiKeyHandler:
    return CreateApiKeyHandler(scope)


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/api-keys",
    CreateApiKey,
    build,
    status=201,
    # No Idempotency-Key: a repeated answer would need the secret to be kept.
    policy=Policy(
        permission="api-keys:write",
        access_rule=own_permissions_only,
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        audit="CreateApiKey",
    ),
    summary="Create an API key",
    location=lambda path, key: f"/v1/workspaces/{path['workspace_id']}/api-keys/{key.api_key_id}",
)
lambda_handler = http_function(ENDPOINT)
