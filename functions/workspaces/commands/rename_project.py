from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.workspaces.adapters.projects import Projects, read_project
from functions.workspaces.domain.project import ProjectIsArchived, ProjectName
from functions.workspaces.events import ProjectRenamed
from functions.workspaces.queries.get_project import ProjectView
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.http.etag import refuse_unseen
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class RenameProject(Command[ProjectView]):
    workspace_id: Uuid
    project_id: Uuid
    name: ProjectName


class RenameProjectHandler:
    def __init__(self, scope: WriteScope, projects: Projects) -> None:
        self._scope = scope
        self._projects = projects

    def __call__(self, command: RenameProject) -> Result[ProjectView]:
        project = read_project(self._scope.store, command.workspace_id, command.project_id)
        if project is None:
            return Failure(NotFound())
        unseen = refuse_unseen(ProjectView.of(project), self._scope.context)
        if unseen is not None:
            return Failure(unseen)
        if project.is_archived:
            return Failure(ProjectIsArchived())
        renamed = self._projects.rename(project, command.name)
        told = ProjectRenamed(workspace_id=project.workspace_id, project_id=project.project_id)
        self._scope.bus.publish(told, project.project_id, project.version + 1)
        return Success(ProjectView.of(renamed))


def build(scope: WriteScope) -> RenameProjectHandler:
    return RenameProjectHandler(scope, Projects(scope.uow))


ENDPOINT = command(
    "PATCH",
    "/v1/workspaces/{workspace_id}/projects/{project_id}",
    RenameProject,
    build,
    status=200,
    policy=Policy(
        permission="projects:write", rate_limit=RateLimit(feature=RatedFeature.COMMANDS), audit="RenameProject"
    ),
    summary="Rename a project",
)
lambda_handler = http_function(ENDPOINT)
