"""Credits: pools per feature, holds and the append-only ledger.

At every moment a pool's balance is what was granted, less what was settled and what is held. A hold takes credits out
of the balance before work starts; its settlement consumes what the work cost and returns the rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from shared.kernel.errors import Conflict, DomainError
from shared.kernel.result import Failure, Result, Success


class FeatureCode(StrEnum):
    VIDEO_ANALYSIS = "video_analysis"
    TRANSCRIPTION = "transcription"
    TEXT_RECOGNITION = "text_recognition"
    PEOPLE_DETECTION = "people_detection"
    CONVERSATION = "conversation"
    STORAGE_MINUTES = "storage_minutes"


class EntryKind(StrEnum):
    ALLOWANCE = "allowance"
    HOLD = "hold"
    SETTLEMENT = "settlement"
    RELEASE = "release"
    DEDUCTION = "deduction"


class HoldStatus(StrEnum):
    HELD = "held"
    SETTLED = "settled"
    RELEASED = "released"


class InsufficientCredits(DomainError):
    code = "insufficient-credits"

    def __init__(self, feature_code: str, required: int, available: int) -> None:
        super().__init__(f"This takes {required} {feature_code} credits, {available} are available.")
        self.feature_code, self.required, self.available = feature_code, required, available

    def members(self) -> Mapping[str, object]:
        return {"feature_code": self.feature_code, "required": self.required, "available": self.available}


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditPool:
    """The credits of one feature in one workspace. `balance` is what can still be spent; `held` is set aside."""

    feature_code: str
    balance: int
    held: int
    monthly_allowance: int
    resets_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditHold:
    hold_id: str
    amounts: Mapping[str, int]
    status: HoldStatus
    reference: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """One ledger entry: what it does to the balance and to what is held."""

    kind: EntryKind
    feature_code: str
    balance_change: int
    held_change: int


def hold(pools: Mapping[str, CreditPool], amounts: Mapping[str, int]) -> Result[list[Movement]]:
    """Set credits aside. Refuses the whole hold when one pool is short."""
    for feature_code, amount in amounts.items():
        pool = pools.get(feature_code)
        available = pool.balance if pool else 0
        if amount > available:
            return Failure(InsufficientCredits(feature_code, required=amount, available=available))
    return Success(
        [
            Movement(kind=EntryKind.HOLD, feature_code=code, balance_change=-amount, held_change=amount)
            for code, amount in amounts.items()
            if amount
        ]
    )


def settle(held: CreditHold, charges: Mapping[str, int]) -> Result[list[Movement]]:
    """Consume what the work cost, at most what is held for each feature, and return the rest."""
    if held.status is not HoldStatus.HELD:
        return Failure(Conflict(f"These credits were {held.status} before."))
    for feature_code, charge in charges.items():
        if charge > held.amounts.get(feature_code, 0):
            return Failure(Conflict(f"The charge of {feature_code} is above what is held for it."))
    movements: list[Movement] = []
    for feature_code, amount in held.amounts.items():
        charge = charges.get(feature_code, 0)
        if charge:
            movements.append(
                Movement(kind=EntryKind.SETTLEMENT, feature_code=feature_code, balance_change=0, held_change=-charge)
            )
        if amount > charge:
            rest = amount - charge
            movements.append(
                Movement(kind=EntryKind.RELEASE, feature_code=feature_code, balance_change=rest, held_change=-rest)
            )
    return Success(movements)


def deduct(pools: Mapping[str, CreditPool], feature_code: str, amount: int) -> Result[Movement]:
    """Consume credits at once, without a hold."""
    pool = pools.get(feature_code)
    available = pool.balance if pool else 0
    if amount > available:
        return Failure(InsufficientCredits(feature_code, required=amount, available=available))
    return Success(Movement(kind=EntryKind.DEDUCTION, feature_code=feature_code, balance_change=-amount, held_change=0))
