"""What a slice asks of the pipeline. The order of the behaviors is the pipeline's; a slice only declares policy."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from shared.cqrs.pipeline import Context
from shared.kernel.errors import DomainError

AccessRule: TypeAlias = Callable[[Any, Context], DomainError | None]
"""Who may send this very message: given it parsed and its context, tells why not, or `None`."""


class Idempotency(StrEnum):
    """Whether a command takes an `Idempotency-Key`."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


class Per(StrEnum):
    """Whose requests a limit counts together."""

    USER = "user"
    """Of one caller, whatever they ask for."""
    MEMBER = "member"
    """Of one caller in one workspace, whatever they ask for there."""
    WORKSPACE = "workspace"
    """Of everybody in one workspace, whatever they ask for."""
    FEATURE = "feature"
    """Of everybody in one workspace, for the limited feature alone."""
    SOURCE = "source"
    """Of one network address, for the limited feature alone."""
    ACCOUNT = "account"
    """About one account, from wherever, for the limited feature alone."""
    SOURCE_AND_ACCOUNT = "source-and-account"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """At most `requests` within any `window_seconds`.

    `spares_successes`: only requests that failed count in the end, as for guessing passwords.
    """

    per: Per
    requests: int
    window_seconds: int
    spares_successes: bool = False

    def __post_init__(self) -> None:
        if self.requests < 1 or self.window_seconds < 1:
            raise ValueError("a limit lets at least one request pass in at least one second")


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLimit:
    """How often a message may be sent: the limits given here and those that the caller's tier sets for `feature`.

    `account` tells from the raw fields which account a request is about, where that isn't the caller's own.
    """

    feature: str
    limits: tuple[Limit, ...] = ()
    account: Callable[[Mapping[str, object]], str | None] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Caching:
    """Answers are kept for `ttl_seconds` (at most a day), for callers with the same permissions in the same workspace.

    `tags` names what an answer shows: whoever changes it raises the tag, and the answer is out of date everywhere.
    `per_caller` is for answers that differ between callers of one role. `shared`: answers are kept in a table too, for
    all processes; worth it where making one costs more than reading it back.
    """

    ttl_seconds: int
    tags: Callable[[Any], tuple[str, ...]] | None = None
    per_caller: bool = False
    shared: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.ttl_seconds <= 24 * 3600:
            raise ValueError("an answer is kept for at least a second and at most a day")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a message is treated.

    `public`: anyone may send it. `permission`: what a caller must hold in the workspace named by the path's
    `workspace_id`; without one any user may send it, and no API key. `access_rule`: decides on top of that where the
    message's own fields matter. `administrators`: only those who run the platform may send it; for others it isn't
    there. `claims_key`: the command calls a service outside of its transaction, so its key is claimed with a lease
    before it runs, and a parallel request with the same key is refused while the lease holds; where only some stages
    have that service, `claims_key` is the setting that names it. `audit`: the name under
    which a command's attempts and their ends are kept in the audit trail, as are refusals of its authorization.
    `slow_after_ms`: a longer run is logged as slow.
    """

    public: bool = False
    permission: str | None = None
    access_rule: AccessRule | None = None
    administrators: bool = False
    rate_limit: RateLimit | None = None
    idempotency: Idempotency = Idempotency.NONE
    claims_key: bool | str = False
    audit: str | None = None
    caching: Caching | None = None
    slow_after_ms: int = 3_000

    def __post_init__(self) -> None:
        if self.public and (self.permission or self.access_rule):
            raise ValueError("a public message can't ask for a permission")
        if self.administrators and (self.public or self.permission):
            raise ValueError("who administers the platform is asked neither for a permission nor let in with everybody")
        if self.public and self.idempotency is not Idempotency.NONE:
            raise ValueError("keys are scoped to a caller: a public message takes none")
        if self.claims_key and self.idempotency is Idempotency.NONE:
            raise ValueError("a message without a key has none to claim")
        if self.caching and (self.audit or self.idempotency is not Idempotency.NONE):
            raise ValueError("a cached answer changes nothing: it takes neither a key nor an audit trail")
