"""What other contexts may use of billing. Every change happens in the caller's own transaction."""

from functions.billing.adapters.accounts import CreditAccounts, read_pools, read_tier
from functions.billing.adapters.projections import USAGE
from functions.billing.adapters.rates import TierLimits
from functions.billing.domain.credits import CreditPool, FeatureCode, InsufficientCredits
from functions.billing.domain.tiers import FREE, RatedFeature, Tier
from functions.billing.events import AllowancesGranted, CreditConsumed, CreditsHeld, CreditsReleased
from shared.behaviors.rate_limiting import Limits
from shared.persistence.scope import Runtime

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
    "RatedFeature",
    "Tier",
    "read_pools",
    "read_tier",
    "tier_limits",
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


def tier_limits(runtime: Runtime) -> Limits:
    return TierLimits(runtime)
