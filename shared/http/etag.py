"""Entity tags (RFC 9110, 8.8.3): a digest of what a view shows, by which callers say what they have seen."""

import hashlib

from shared.cqrs.messages import View
from shared.cqrs.pipeline import Context
from shared.kernel.errors import DomainError, PreconditionFailed, PreconditionRequired


def etag(significant: str) -> str:
    return f'"{hashlib.sha256(significant.encode()).hexdigest()[:32]}"'


def was_seen(tag: str, if_none_match: str | None) -> bool:
    """Whether a caller has this very answer; weak comparison, as for what is only read."""
    return tag in {seen.removeprefix("W/") for seen in _tags(if_none_match)}


def refuse_unseen(view: View, context: Context, *, required: bool = True) -> DomainError | None:
    """Why a change must not be made by a caller whose `If-Match` names another state than this one.

    Strong comparison. Where it isn't `required`, who sends no `If-Match` changes whatever is there. The check holds if
    the change is written on condition that what the view was made of is still the same.
    """
    if context.if_match is None:
        return (
            PreconditionRequired("Say in If-Match which state you change: the ETag that GET gave.")
            if required
            else None
        )
    tags = _tags(context.if_match)
    if "*" in tags or etag(view.significant()) in tags:
        return None
    return PreconditionFailed("The resource has changed since you read it. Read it again.")


def _tags(header: str | None) -> frozenset[str]:
    return frozenset(tag.strip() for tag in (header or "").split(","))
