"""A workspace's credits, read consistently and changed through the caller's unit of work."""

from collections.abc import Iterable, Mapping

from functions.billing.adapters.rows import (
    HOLD,
    POOL,
    SUBSCRIPTION,
    HoldRow,
    LedgerRow,
    PoolRow,
    SubscriptionRow,
    credits_partition,
    ledger_partition,
)
from functions.billing.domain import credits
from functions.billing.domain.credits import CreditHold, CreditPool, EntryKind, HoldStatus, Movement
from functions.billing.domain.tiers import TIERS, Tier, next_reset
from functions.billing.events import AllowancesGranted, CreditConsumed, CreditsHeld, CreditsReleased
from shared.kernel.clock import rfc3339
from shared.kernel.errors import Conflict, NotFound
from shared.kernel.principals import ApiKey, Principal, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store


def read_pools(store: Store, workspace_id: str) -> dict[str, CreditPool]:
    """The workspace's pools by feature code."""
    rows = store.all(PoolRow, credits_partition(workspace_id), POOL)
    return {
        row.feature_code: CreditPool(
            feature_code=row.feature_code,
            balance=int(row.balance),
            held=int(row.held),
            monthly_allowance=int(row.monthly_allowance),
            resets_at=row.resets_at,
        )
        for row in rows
    }


def read_tier(store: Store, workspace_id: str) -> Tier:
    row = store.get(SubscriptionRow, credits_partition(workspace_id), SUBSCRIPTION)
    if row is None:
        raise NotFound()
    return TIERS[row.tier]


def _user_id(principal: Principal) -> str | None:
    """Software that a user let in spends in their name."""
    match principal:
        case User(user_id=user_id) | ApiKey(issued_by=user_id):
            return user_id
        case _:
            return None


class CreditAccounts:
    """Changes credits in the name of whoever sent the message; what is settled counts for whoever it was held for."""

    def __init__(self, scope: WriteScope) -> None:
        self._uow = scope.uow
        self._store = scope.store
        self._clock = scope.runtime.clock
        self._ids = scope.runtime.ids
        self._user_id = _user_id(scope.context.principal)

    def open(self, workspace_id: str, tier: Tier) -> None:
        """Subscribe a new workspace to a tier and grant its first allowances."""
        partition, now = credits_partition(workspace_id), self._clock.now()
        self._uow.insert(SubscriptionRow(pk=partition, sk=SUBSCRIPTION, tier=tier.name))
        for feature_code, amount in tier.allowances.items():
            self._uow.insert(
                PoolRow(
                    pk=partition,
                    sk=POOL + feature_code,
                    feature_code=feature_code,
                    balance=amount,
                    held=0,
                    monthly_allowance=amount,
                    resets_at=rfc3339(next_reset(now)),
                )
            )
            movement = Movement(
                kind=EntryKind.ALLOWANCE, feature_code=feature_code, balance_change=amount, held_change=0
            )
            self._write_entry(workspace_id, movement, reference=f"tier:{tier.name}")
        amounts = {str(code): amount for code, amount in tier.allowances.items()}
        self._uow.record(
            AllowancesGranted(workspace_id=workspace_id, tier=tier.name, amounts=amounts), workspace_id, version=1
        )

    def hold(
        self,
        workspace_id: str,
        hold_id: str,
        amounts: Mapping[str, int],
        reference: str,
        project_id: str | None = None,
    ) -> Result[None]:
        """Set credits aside under an id of the caller's choice; refuses with `InsufficientCredits`.

        What is settled of it counts as the project's usage.
        """
        held = credits.hold(read_pools(self._store, workspace_id), amounts)
        if isinstance(held, Failure):
            return held
        self._uow.insert(
            HoldRow(
                pk=credits_partition(workspace_id),
                sk=HOLD + hold_id,
                amounts=dict(amounts),
                status=HoldStatus.HELD,
                reference=reference,
                held_at=rfc3339(self._clock.now()),
                user_id=self._user_id,
                project_id=project_id,
            ),
            otherwise=Conflict("These credits are held already."),
        )
        self._move(workspace_id, held.value, reference)
        self._uow.record(
            CreditsHeld(workspace_id=workspace_id, hold_id=hold_id, amounts=dict(amounts), reference=reference),
            hold_id,
            version=1,
        )
        return Success(None)

    def settle(self, workspace_id: str, hold_id: str, charges: Mapping[str, int]) -> Result[None]:
        """Consume `charges` of a hold and release the rest; without charges it releases the whole hold."""
        row = self._store.get(HoldRow, credits_partition(workspace_id), HOLD + hold_id)
        if row is None:
            return Failure(NotFound())
        held = CreditHold(hold_id=hold_id, amounts=row.amounts, status=HoldStatus(row.status), reference=row.reference)
        settled = credits.settle(held, charges)
        if isinstance(settled, Failure):
            return settled
        status = HoldStatus.SETTLED if any(charges.values()) else HoldStatus.RELEASED
        self._uow.update(
            HoldRow, row.pk, row.sk, [HoldRow.status.set(status)], condition=HoldRow.status == HoldStatus.HELD
        )
        self._move(workspace_id, settled.value, held.reference)
        released = {one.feature_code: one.balance_change for one in settled.value if one.kind is EntryKind.RELEASE}
        for one in settled.value:
            if one.kind is EntryKind.SETTLEMENT:
                self._uow.record(
                    CreditConsumed(
                        workspace_id=workspace_id,
                        usage_id=f"{hold_id}:{one.feature_code}",
                        feature_code=one.feature_code,
                        amount=-one.held_change,
                        reference=held.reference,
                        user_id=row.user_id,
                        project_id=row.project_id,
                    ),
                    hold_id,
                    version=2,
                )
        if released:
            self._uow.record(
                CreditsReleased(workspace_id=workspace_id, hold_id=hold_id, amounts=released, reference=held.reference),
                hold_id,
                version=2,
            )
        return Success(None)

    def deduct(
        self,
        workspace_id: str,
        feature_code: str,
        amount: int,
        usage_id: str,
        reference: str,
        project_id: str | None = None,
    ) -> Result[None]:
        """Consume credits at once; refuses with `InsufficientCredits`."""
        deducted = credits.deduct(read_pools(self._store, workspace_id), feature_code, amount)
        if isinstance(deducted, Failure):
            return deducted
        self._move(workspace_id, [deducted.value], reference)
        self._uow.record(
            CreditConsumed(
                workspace_id=workspace_id,
                usage_id=usage_id,
                feature_code=feature_code,
                amount=amount,
                reference=reference,
                user_id=self._user_id,
                project_id=project_id,
            ),
            usage_id,
            version=1,
        )
        return Success(None)

    def _move(self, workspace_id: str, movements: Iterable[Movement], reference: str) -> None:
        balance_changes: dict[str, int] = {}
        held_changes: dict[str, int] = {}
        for movement in movements:
            code = movement.feature_code
            balance_changes[code] = balance_changes.get(code, 0) + movement.balance_change
            held_changes[code] = held_changes.get(code, 0) + movement.held_change
            self._write_entry(workspace_id, movement, reference)
        for code, change in balance_changes.items():
            # Relative changes, so that parallel commands on one pool don't void each other; the conditions keep every
            # balance at or above zero whatever was read.
            self._uow.update(
                PoolRow,
                credits_partition(workspace_id),
                POOL + code,
                [PoolRow.balance.add(change), PoolRow.held.add(held_changes[code])],
                condition=(PoolRow.balance >= -change) & (PoolRow.held >= -held_changes[code]),
            )

    def _write_entry(self, workspace_id: str, movement: Movement, reference: str) -> None:
        self._uow.insert(
            LedgerRow(
                pk=ledger_partition(workspace_id),
                sk=self._ids.new(),
                kind=movement.kind,
                feature_code=movement.feature_code,
                balance_change=movement.balance_change,
                held_change=movement.held_change,
                reference=reference,
                recorded_at=rfc3339(self._clock.now()),
            )
        )
