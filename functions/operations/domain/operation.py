"""What administrators have done that is larger than a transaction: each operation is a process."""

from collections.abc import Mapping

from pydantic import BaseModel, ConfigDict

STEP_MESSAGES = 500
"""So many messages a turn sends at most, which takes a few seconds of a function's time."""


class Operation(BaseModel):
    """`target` is the queue, subscriber or read model that it is about; `started_by` an actor."""

    model_config = ConfigDict(frozen=True)

    target: str
    parameters: Mapping[str, str]
    started_by: str
