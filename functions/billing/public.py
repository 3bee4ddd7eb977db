"""What other contexts may use of billing. Every change happens in the caller's own transaction."""

from functions.billing.adapters.accounts import CreditAccounts, read_pools, read_tier
from functions.billing.adapters.projections import USAGE
from functions.billing.domain.credits import CreditPool, FeatureCode, InsufficientCredits
from functions.billing.domain.tiers import FREE, Tier
from functions.billing.events import AllowancesGranted, CreditConsumed, CreditsHeld, CreditsReleased

__all__ = [
    "EVENTS",
    "FREE",
    "PROJECTIONS",
    "AllowancesGranted",
    "CreditAccounts",
    "CreditConsumed",
    "CreditPool",
    "CreditsHeld",
    "CreditsReleased",
    "FeatureCode",
    "InsufficientCredits",
    "Tier",
    "read_pools",
    "read_tier",
]

EVENTS = (
    AllowancesGranted,
    CreditConsumed,
    CreditsHeld,
    CreditsReleased,
)
"""All that this context publishes."""

PROJECTIONS = (USAGE,)
"""All read models of this context."""
