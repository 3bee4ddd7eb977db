"""What other contexts may use of operations."""

from functions.operations.events import OperationProgressed

__all__ = ["EVENTS", "OperationProgressed"]

EVENTS = (OperationProgressed,)
"""All that this context publishes."""
