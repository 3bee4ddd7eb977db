"""Rows and keys of operations."""

from pynamodb.attributes import JSONAttribute, NumberAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

DECISION = "DECISION"
OPERATION = "OPERATION"


def dead_letter_partition(dead_letter_id: str) -> str:
    return f"DEAD-LETTER#{dead_letter_id}"


def operation_partition(operation_id: str) -> str:
    return f"OPERATION#{operation_id}"


class DecisionRow(DataRow):
    """What became of a dead letter, by whom and why."""

    outcome = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    decided_by = UnicodeAttribute()
    decided_at = UnicodeAttribute()
    letter = JSONAttribute()
    """What was told of the letter then: it isn't in its queue any more."""


class OperationRow(DataRow):
    kind = UnicodeAttribute()
    target = UnicodeAttribute()
    parameters = JSONAttribute()
    status = UnicodeAttribute()
    step = NumberAttribute()
    position = UnicodeAttribute(null=True)
    counts = JSONAttribute()
    started_by = UnicodeAttribute()
    started_at = UnicodeAttribute()
    updated_at = UnicodeAttribute()
    ended_at = UnicodeAttribute(null=True)
