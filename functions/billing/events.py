from shared.cqrs.messages import IntegrationEvent


class AllowancesGranted(IntegrationEvent):
    """A workspace got its tier's monthly credits."""

    service_name = "billing"
    aggregate_type = "credit-account"

    workspace_id: str
    tier: str
    amounts: dict[str, int]


class CreditsHeld(IntegrationEvent):
    service_name = "billing"
    aggregate_type = "credit-hold"

    workspace_id: str
    hold_id: str
    amounts: dict[str, int]
    reference: str


class CreditConsumed(IntegrationEvent):
    """Credits were spent, by the settlement of a hold or at once.

    `user_id` is who asked for it, or let in the software that did; `None` before this was told.
    """

    service_name = "billing"
    aggregate_type = "credit-hold"
    schema_version = 2

    workspace_id: str
    usage_id: str
    feature_code: str
    amount: int
    reference: str
    user_id: str | None = None
    project_id: str | None = None


class CreditsReleased(IntegrationEvent):
    """Held credits went back to their pools: the whole hold, or what its settlement left."""

    service_name = "billing"
    aggregate_type = "credit-hold"

    workspace_id: str
    hold_id: str
    amounts: dict[str, int]
    reference: str
