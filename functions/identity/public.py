"""What other contexts may use of identity."""

from functions.identity.events import SessionRevoked, SessionStarted, UserRegistered

__all__ = ["EVENTS", "SessionRevoked", "SessionStarted", "UserRegistered"]

EVENTS = (SessionRevoked, SessionStarted, UserRegistered)
"""All that this context publishes."""
