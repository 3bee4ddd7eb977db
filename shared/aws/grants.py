"""What a function may touch, said by the declaration that needs it.

Infrastructure turns each grant into statements of the function's own role and the environment variable that names the
resource. A grant that infrastructure doesn't know fails the synthesis.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Grant:
    """Access to one resource: `Grant("uploads", "read")`."""

    resource: str
    access: str


DATA_READ = Grant("data", "read")
DATA_WRITE = Grant("data", "write")
OUTBOX_APPEND = Grant("outbox", "append")
OUTBOX_PUBLISH = Grant("outbox", "publish")
EPHEMERAL_READ = Grant("ephemeral", "read")
EPHEMERAL_WRITE = Grant("ephemeral", "write")
AUDIT_APPEND = Grant("audit", "append")
"""Add entries, and neither change nor remove them."""
AUDIT_READ = Grant("audit", "read")
EVENTS_READ = Grant("events", "read")
"""Read the event log and payloads that are too large to travel. `EVENTS_BUCKET`."""
EVENTS_WRITE = Grant("events", "write")
READ_MODELS_READ = Grant("read-models", "read")
READ_MODELS_WRITE = Grant("read-models", "write")
READ_MODELS_REBUILD = Grant("read-models", "rebuild")
"""Walk over a whole generation of a read model, on top of reading and writing it. `REBUILD_GRACE_SECONDS`."""
BUS_PUBLISH = Grant("bus", "publish")
QUEUES_SEND = Grant("queues", "send")
"""Send to the subscribers' queues."""
CURSOR_SECRET = Grant("cursor-secret", "read")
