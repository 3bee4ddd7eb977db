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
