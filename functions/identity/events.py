from shared.cqrs.messages import IntegrationEvent


class UserRegistered(IntegrationEvent):
    service_name = "identity"
    aggregate_type = "user"

    user_id: str


class SessionStarted(IntegrationEvent):
    service_name = "identity"
    aggregate_type = "session"

    user_id: str
    session_id: str


class SessionRevoked(IntegrationEvent):
    """A session ended before its time: by its user, or because its refresh token was used twice."""

    service_name = "identity"
    aggregate_type = "session"

    user_id: str
    session_id: str
    reason: str


class ApiKeyCreated(IntegrationEvent):
    service_name = "identity"
    aggregate_type = "api-key"

    workspace_id: str
    api_key_id: str
    issued_by: str
    scopes: list[str]
    expires_at: str | None


class ApiKeyRotated(IntegrationEvent):
    """A key got another secret; the one before is no longer good. From now on it acts for `issued_by`."""

    service_name = "identity"
    aggregate_type = "api-key"

    workspace_id: str
    api_key_id: str
    issued_by: str


class ApiKeyRevoked(IntegrationEvent):
    service_name = "identity"
    aggregate_type = "api-key"

    workspace_id: str
    api_key_id: str
