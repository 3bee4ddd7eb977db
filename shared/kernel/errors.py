"""The family of expected failures.

A `DomainError` carries the `code` of the problem type it becomes at the edge, a sentence for the caller and members
that a program can read. Contexts add their own subclasses; a test walks the family and holds each code to a known
problem type.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar


class DomainError(Exception):
    """An expected failure.

    `detail` is shown to the caller: it never holds another tenant's data, a secret or an implementation detail.
    """

    code: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail

    def members(self) -> Mapping[str, object]:
        """Members that the problem document carries besides the standard ones."""
        return {}

    def __eq__(self, other: object) -> bool:
        return (
            type(self) is type(other)
            and isinstance(other, DomainError)
            and (self.detail, self.members()) == (other.detail, other.members())
        )

    def __hash__(self) -> int:
        return hash((type(self), self.detail))


@dataclass(frozen=True, slots=True)
class FieldError:
    """One refused field: `pointer` is a JSON pointer (RFC 6901) into the request."""

    pointer: str
    code: str
    message: str


class MalformedRequest(DomainError):
    code = "malformed-request"


class ValidationFailed(DomainError):
    code = "validation-failed"

    def __init__(self, errors: Sequence[FieldError], detail: str = "The request has invalid fields.") -> None:
        super().__init__(detail)
        self.errors = tuple(errors)

    def members(self) -> Mapping[str, object]:
        return {
            "errors": [{"pointer": one.pointer, "code": one.code, "message": one.message} for one in self.errors],
        }


class Unauthenticated(DomainError):
    code = "unauthenticated"


class Forbidden(DomainError):
    code = "forbidden"


class NotFound(DomainError):
    """One answer for what never existed and for what belongs to another tenant."""

    code = "not-found"

    def __init__(self, detail: str = "There is no such resource.") -> None:
        super().__init__(detail)


class MethodNotAllowed(DomainError):
    code = "method-not-allowed"

    def __init__(self, allowed: Sequence[str]) -> None:
        super().__init__("The resource doesn't support this method.")
        self.allowed = tuple(allowed)


class DuplicateEntity(DomainError):
    code = "duplicate-entity"


class Conflict(DomainError):
    code = "conflict"


class PreconditionFailed(DomainError):
    """What was to be changed isn't what the caller saw."""

    code = "precondition-failed"


class PreconditionRequired(DomainError):
    code = "precondition-required"


class PayloadTooLarge(DomainError):
    code = "payload-too-large"


class UnsupportedMediaType(DomainError):
    code = "unsupported-media-type"


class IdempotencyKeyRequired(DomainError):
    code = "idempotency-key-required"


class IdempotencyKeyReused(DomainError):
    code = "idempotency-key-reused"


class RetryLater(DomainError):
    """A refusal that ends by itself: `retry_after_seconds` becomes the `Retry-After` header."""

    def __init__(self, detail: str, retry_after_seconds: int) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds


class RequestInProgress(RetryLater):
    code = "request-in-progress"


class RateLimited(RetryLater):
    code = "rate-limited"


class DependencyUnavailable(RetryLater):
    code = "dependency-unavailable"


class CircuitOpen(DependencyUnavailable):
    """The service failed before and wasn't asked this time."""
