"""Projects, read consistently and changed through the unit of work.

Of the projects that aren't archived each has a name of its own, claimed by a row, and there is a bounded number.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from functions.workspaces.adapters.rows import (
    PROJECT,
    PROJECT_COUNT,
    PROJECT_NAME,
    ProjectCountRow,
    ProjectNameRow,
    ProjectRow,
    workspace_partition,
)
from functions.workspaces.domain.project import (
    MAX_ACTIVE_PROJECTS,
    Project,
    ProjectNameTaken,
    TooManyProjects,
    name_key,
)
from shared.kernel.errors import FieldError, ValidationFailed
from shared.kernel.result import Failure, Result, Success
from shared.persistence.rows import absent
from shared.persistence.scope import WriteScope
from shared.persistence.store import Store
from shared.persistence.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class ProjectPage:
    projects: Sequence[Project]
    last_position: str | None
    """Where to go on, `None` at the end."""


def read_project(store: Store, workspace_id: str, project_id: str) -> Project | None:
    row = store.get(ProjectRow, workspace_partition(workspace_id), PROJECT + project_id)
    return _to_project(row, workspace_id) if row else None


def read_projects(store: Store, workspace_id: str, *, archived: bool, after: str | None, limit: int) -> ProjectPage:
    """At most `limit` projects, the archived or the others, newest first."""
    fitting = (one for one in _newest_first(store, workspace_id, after) if one.is_archived == archived)
    found = list(islice(fitting, limit + 1))
    shown = found[:limit]
    return ProjectPage(shown, PROJECT + shown[-1].project_id if len(found) > limit else None)


def count_projects(store: Store, workspace_id: str, *, archived: bool) -> int:
    return sum(1 for one in _newest_first(store, workspace_id, None) if one.is_archived == archived)


def require_project(scope: WriteScope, workspace_id: str, project_id: str) -> Result[None]:
    """Refuse a request whose `project_id` names no project that takes videos, also if it is archived meanwhile."""
    project = read_project(scope.store, workspace_id, project_id)
    if project is None:
        return Failure(_refused("unknown-project", "There is no such project in this workspace"))
    archived = _refused("archived-project", "This project is archived and takes no further videos")
    if project.is_archived:
        return Failure(archived)
    still_active = ProjectRow.archived_at.does_not_exist()
    scope.uow.check(ProjectRow, workspace_partition(workspace_id), PROJECT + project_id, still_active, archived)
    return Success(None)


class Projects:
    def __init__(self, uow: UnitOfWork) -> None:
        self._uow = uow

    def add(self, project: Project) -> Result[None]:
        """Refuses a name that is taken, and one project too many."""
        self._uow.insert(_to_row(project, version=1))
        self._claim(project)
        return self._count(project.workspace_id, 1)

    def rename(self, project: Project, name: str) -> Project:
        """The claim on the new name is refused at the commit if another project has it."""
        renamed = project.renamed(name)
        if name_key(name) != name_key(project.name):
            self._release(project)
            self._claim(renamed)
        self._save(renamed)
        return renamed

    def archive(self, project: Project, at: str) -> Result[Project]:
        """Its name is free for another project."""
        archived = project.archived(at)
        self._release(project)
        self._save(archived)
        counted = self._count(project.workspace_id, -1)
        return counted if isinstance(counted, Failure) else Success(archived)

    def _save(self, project: Project) -> None:
        self._uow.put(_to_row(project, project.version + 1), condition=ProjectRow.version == project.version)

    def _claim(self, project: Project) -> None:
        partition, key = workspace_partition(project.workspace_id), PROJECT_NAME + name_key(project.name)
        self._uow.insert(ProjectNameRow(pk=partition, sk=key, project_id=project.project_id), ProjectNameTaken())

    def _release(self, project: Project) -> None:
        partition, key = workspace_partition(project.workspace_id), PROJECT_NAME + name_key(project.name)
        self._uow.delete(ProjectNameRow, partition, key, condition=ProjectNameRow.project_id == project.project_id)

    def _count(self, workspace_id: str, change: int) -> Result[None]:
        partition = workspace_partition(workspace_id)
        row = self._uow.store.get(ProjectCountRow, partition, PROJECT_COUNT)
        before = int(row.active) if row else 0
        if before + change > MAX_ACTIVE_PROJECTS:
            return Failure(TooManyProjects())
        self._uow.put(
            ProjectCountRow(pk=partition, sk=PROJECT_COUNT, active=before + change),
            condition=(ProjectCountRow.active == before) if row else absent(),
        )
        return Success(None)


def _newest_first(store: Store, workspace_id: str, after: str | None) -> Iterator[Project]:
    while True:
        page = store.page(ProjectRow, workspace_partition(workspace_id), PROJECT, after=after, newest_first=True)
        yield from (_to_project(row, workspace_id) for row in page.rows)
        if page.last_sk is None:
            return
        after = page.last_sk


def _refused(code: str, message: str) -> ValidationFailed:
    return ValidationFailed([FieldError("/project_id", code, message)])


def _to_row(project: Project, version: int) -> ProjectRow:
    return ProjectRow(
        pk=workspace_partition(project.workspace_id),
        sk=PROJECT + project.project_id,
        version=version,
        name=project.name,
        created_by=project.created_by,
        created_at=project.created_at,
        archived_at=project.archived_at,
    )


def _to_project(row: ProjectRow, workspace_id: str) -> Project:
    return Project(
        workspace_id=workspace_id,
        project_id=row.sk.removeprefix(PROJECT),
        name=row.name,
        created_by=row.created_by,
        created_at=row.created_at,
        archived_at=row.archived_at,
        version=int(row.version),
    )
