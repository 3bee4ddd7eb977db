"""Tags of what answers show, with a version that every change raises: what was made under an older one is out of date.

The version is raised in the transaction of the change itself. Whoever reads the versions first and the data after that
has data at least as new as the versions say.
"""

from collections.abc import Sequence

from pynamodb.attributes import UnicodeAttribute

from shared.persistence.batch_reads import get_many
from shared.persistence.rows import EphemeralRow
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store

_KEPT_SECONDS = 48 * 3600
"""A version may be forgotten once nothing can be left that was made before it: answers are kept for a day at most."""
_SORT_KEY = "VERSION"


class TagRow(EphemeralRow):
    version = UnicodeAttribute()
    """Another one at each change, and never one that was there before."""


def raise_tag(scope: WriteScope, workspace_id: str | None, tag: str) -> None:
    """Declare what carries a tag out of date, in every process, as soon as this transaction commits."""
    runtime = scope.runtime
    expires_at = int(runtime.clock.now().timestamp()) + _KEPT_SECONDS
    row = TagRow(pk=_partition(workspace_id, tag), sk=_SORT_KEY, version=runtime.ids.new(), expires_at=expires_at)
    scope.uow.put(row)


def read_versions(store: Store, workspace_id: str | None, tags: Sequence[str]) -> list[str]:
    """The versions of tags, read consistently and in their order; `""` where nothing has changed for long."""
    keys = [(_partition(workspace_id, tag), _SORT_KEY) for tag in tags]
    return [row.version if row else "" for row in get_many(store, TagRow, keys)]


def _partition(workspace_id: str | None, tag: str) -> str:
    return f"TAG#{workspace_id or '-'}#{tag}"
