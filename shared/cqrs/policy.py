"""What a slice asks of the pipeline. The order of the behaviors is the pipeline's; a slice only declares policy."""

from dataclasses import dataclass
from enum import StrEnum


class Idempotency(StrEnum):
    """Whether a command takes an `Idempotency-Key`."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a message is treated.

    `public`: anyone may send it. `permission`: what a caller must hold in the workspace named by the path's
    `workspace_id`; without one any authenticated caller may send it. `slow_after_ms`: a longer run is logged as slow.
    """

    public: bool = False
    permission: str | None = None
    idempotency: Idempotency = Idempotency.NONE
    slow_after_ms: int = 3_000

    def __post_init__(self) -> None:
        if self.public and self.permission:
            raise ValueError("a public message can't ask for a permission")
        if self.public and self.idempotency is not Idempotency.NONE:
            raise ValueError("keys are scoped to a caller: a public message takes none")
