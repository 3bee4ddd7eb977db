"""A project groups videos of a workspace. It is named, renamed and at last archived, never removed: what was done and
spent in it keeps naming it.
"""

import unicodedata
from dataclasses import dataclass, replace
from typing import Annotated

from pydantic import StringConstraints

from shared.kernel.errors import Conflict, DuplicateEntity

MAX_ACTIVE_PROJECTS = 200
"""Of one workspace; archived ones don't count."""

ProjectName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]


class ProjectNameTaken(DuplicateEntity):
    def __init__(self) -> None:
        super().__init__(
            "Another project of this workspace has this name. Choose another one, or archive that project."
        )


class TooManyProjects(DuplicateEntity):
    def __init__(self) -> None:
        super().__init__(
            f"A workspace may have {MAX_ACTIVE_PROJECTS} projects. Archive one that isn't needed any more."
        )


class ProjectIsArchived(Conflict):
    def __init__(self) -> None:
        super().__init__("The project is archived and isn't changed any more.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    workspace_id: str
    project_id: str
    name: str
    created_by: str
    created_at: str
    archived_at: str | None = None
    version: int = 0

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    def renamed(self, name: str) -> "Project":
        return replace(self, name=name)

    def archived(self, at: str) -> "Project":
        return replace(self, archived_at=at)


def name_key(name: str) -> str:
    """Equal for names that people take for the same: "Łódź 2026" and "łódź  2026"."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
