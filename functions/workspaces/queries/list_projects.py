from typing import Literal

from pydantic import Field

from functions.entry import http_function
from functions.workspaces.adapters.projects import count_projects, read_projects
from functions.workspaces.queries.get_project import ProjectView
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.result import Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope


class ProjectsPage(View):
    """`total_count` is there when `include_total` asks for it."""

    items: list[ProjectView]
    next_cursor: str | None
    as_of: str
    total_count: int | None = None


class ListProjects(Query[ProjectsPage]):
    workspace_id: Uuid
    status: Literal["active", "archived"] = "active"
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)
    include_total: bool = False


class ListProjectsHandler:
    """Reads the projects themselves: a workspace has few, in one partition in the order they were made."""

    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: ListProjects) -> Result[ProjectsPage]:
        store, workspace_id, archived = self._scope.store, query.workspace_id, query.status == "archived"
        walk = f"projects:{workspace_id}:{query.status}"
        after = self._cursors.read(query.cursor, walk) if query.cursor else None
        page = read_projects(store, workspace_id, archived=archived, after=after, limit=query.limit)
        return Success(
            ProjectsPage(
                items=[ProjectView.of(project) for project in page.projects],
                next_cursor=self._cursors.make(page.last_position, walk) if page.last_position else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
                total_count=count_projects(store, workspace_id, archived=archived) if query.include_total else None,
            )
        )


def build(scope: ReadScope) -> ListProjectsHandler:
    return ListProjectsHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/projects",
    ListProjects,
    build,
    policy=Policy(permission="projects:read"),
    summary="The projects of a workspace, newest first",
    needs=FunctionNeeds(grants=(CURSOR_SECRET,)),
)
lambda_handler = http_function(ENDPOINT)
