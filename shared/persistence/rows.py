"""Rows are PynamoDB models: they give a row its attributes, their conversion, conditions and updates.

The calls themselves are made by `Store` and `UnitOfWork` on the process' one DynamoDB client. PynamoDB's own connection
would open one client per model, and its transactions regroup the actions by kind, which loses the order in which
DynamoDB reports the reasons of a cancellation.
"""

from typing import ClassVar

from pynamodb.attributes import NumberAttribute, UnicodeAttribute
from pynamodb.expressions.condition import Condition
from pynamodb.models import Model


class Row(Model):
    """A row of one of the tables; `table` is the table's logical name."""

    table: ClassVar[str]
    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)


class DataRow(Row):
    """Business state, written by the unit of work alone. `version` counts its writes."""

    table = "data"

    version = NumberAttribute(default=0)


class OutboxRow(Row):
    table = "outbox"


class EphemeralRow(Row):
    """State that may vanish after `expires_at` (Unix seconds; DynamoDB removes the row some time later)."""

    table = "ephemeral"

    expires_at = NumberAttribute()


class ReadModelRow(Row):
    """A row of a denormalised view, made from events and rebuilt from their log."""

    table = "read-models"


def key_of(pk: str, sk: str) -> dict[str, dict[str, str]]:
    return {"pk": {"S": pk}, "sk": {"S": sk}}


def absent() -> Condition:
    """The condition that no row is under this key yet."""
    return Row.pk.does_not_exist()
