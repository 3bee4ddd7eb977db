from functions.entry import http_function
from functions.workspaces.adapters.projects import read_project
from functions.workspaces.domain.project import Project
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope
from shared.persistence.store import Store


class ProjectView(View):
    """`status` is `active` or `archived`."""

    project_id: str
    workspace_id: str
    name: str
    status: str
    created_by: str
    created_at: str
    archived_at: str | None

    @classmethod
    def of(cls, project: Project) -> "ProjectView":
        return cls(
            project_id=project.project_id,
            workspace_id=project.workspace_id,
            name=project.name,
            status="archived" if project.is_archived else "active",
            created_by=project.created_by,
            created_at=project.created_at,
            archived_at=project.archived_at,
        )


class GetProject(Query[ProjectView]):
    workspace_id: Uuid
    project_id: Uuid


class GetProjectHandler:
    def __init__(self, store: Store) -> None:
        self._store = store

    def __call__(self, query: GetProject) -> Result[ProjectView]:
        project = read_project(self._store, query.workspace_id, query.project_id)
        return Failure(NotFound()) if project is None else Success(ProjectView.of(project))


def build(scope: ReadScope) -> GetProjectHandler:
    return GetProjectHandler(scope.store)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/projects/{project_id}",
    GetProject,
    build,
    policy=Policy(permission="projects:read"),
    summary="One project",
)
lambda_handler = http_function(ENDPOINT)
