"""Rows and keys of what was decided on dead letters."""

from pynamodb.attributes import JSONAttribute, UnicodeAttribute

from shared.persistence.rows import DataRow

DECISION = "DECISION"


def dead_letter_partition(dead_letter_id: str) -> str:
    return f"DEAD-LETTER#{dead_letter_id}"


class DecisionRow(DataRow):
    """What became of a dead letter, by whom and why."""

    outcome = UnicodeAttribute()
    reason = UnicodeAttribute(null=True)
    decided_by = UnicodeAttribute()
    decided_at = UnicodeAttribute()
    letter = JSONAttribute()
    """What was told of the letter then: it isn't in its queue any more."""
