"""Problem documents (RFC 9457): every `DomainError` maps to one problem type."""

from collections.abc import Mapping

from shared.kernel.errors import DomainError, MethodNotAllowed, RetryLater

CONTENT_TYPE = "application/problem+json"

PROBLEMS: Mapping[str, tuple[int, str]] = {
    "malformed-request": (400, "Malformed request"),
    "idempotency-key-required": (400, "Idempotency-Key required"),
    "unauthenticated": (401, "Unauthenticated"),
    "insufficient-credits": (402, "Insufficient credits"),
    "usage-limit-exceeded": (402, "Usage limit exceeded"),
    "forbidden": (403, "Forbidden"),
    "feature-not-in-tier": (403, "Feature not in tier"),
    "not-found": (404, "Not found"),
    "method-not-allowed": (405, "Method not allowed"),
    "duplicate-entity": (409, "Duplicate entity"),
    "conflict": (409, "Conflict"),
    "request-in-progress": (409, "Request in progress"),
    "precondition-failed": (412, "Precondition failed"),
    "payload-too-large": (413, "Payload too large"),
    "unsupported-media-type": (415, "Unsupported media type"),
    "validation-failed": (422, "Validation failed"),
    "idempotency-key-reused": (422, "Idempotency-Key reused"),
    "precondition-required": (428, "Precondition required"),
    "rate-limited": (429, "Rate limited"),
    "internal-error": (500, "Internal error"),
    "dependency-unavailable": (503, "Dependency unavailable"),
}
"""Problem slug -> status and title."""


def problem(error: DomainError, *, instance: str, trace_id: str) -> tuple[int, dict[str, str], dict[str, object]]:
    """Status, headers and body of the problem document of an error."""
    status, title = PROBLEMS[error.code]
    body: dict[str, object] = {
        "type": f"/problems/{error.code}",
        "title": title,
        "status": status,
        "detail": error.detail,
        "instance": instance,
        "trace_id": trace_id,
        **error.members(),
    }
    headers = {"content-type": CONTENT_TYPE}
    if status == 401:
        headers["www-authenticate"] = 'Bearer realm="visionscope"'
    if isinstance(error, RetryLater):
        headers["retry-after"] = str(error.retry_after_seconds)
    if isinstance(error, MethodNotAllowed):
        headers["allow"] = ", ".join(error.allowed)
    return status, headers, body
