"""Rows and keys of billing. A workspace's credits are one partition, its ledger another."""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

POOL = "POOL#"
HOLD = "HOLD#"
SUBSCRIPTION = "SUBSCRIPTION"


def credits_partition(workspace_id: str) -> str:
    return f"CREDITS#{workspace_id}"


def ledger_partition(workspace_id: str) -> str:
    return f"LEDGER#{workspace_id}"


class SubscriptionRow(DataRow):
    tier = UnicodeAttribute()


class PoolRow(DataRow):
    feature_code = UnicodeAttribute()
    balance = NumberAttribute()
    held = NumberAttribute()
    monthly_allowance = NumberAttribute()
    resets_at = UnicodeAttribute()


class HoldRow(DataRow):
    amounts = JSONAttribute()
    status = UnicodeAttribute()
    reference = UnicodeAttribute()
    held_at = UnicodeAttribute()
    user_id = UnicodeAttribute(null=True)
    project_id = UnicodeAttribute(null=True)


class LedgerRow(DataRow):
    kind = UnicodeAttribute()
    feature_code = UnicodeAttribute()
    balance_change = NumberAttribute()
    held_change = NumberAttribute()
    reference = UnicodeAttribute()
    recorded_at = UnicodeAttribute()
