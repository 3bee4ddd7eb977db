from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.workspaces.adapters.projects import Projects, read_project
from functions.workspaces.events import ProjectArchived
from functions.workspaces.queries.get_project import ProjectView
from shared.cqrs.messages import Command
from shared.cqrs.policy import Policy, RateLimit
from shared.http.endpoint import command
from shared.http.etag import refuse_unseen
from shared.kernel.clock import rfc3339
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class ArchiveProject(Command[None]):
    """The project takes no further videos, leaves the list and frees its name. Its videos stay in it, and it can still
    be read, searched and talked about. Archiving it again changes nothing.
    """

    workspace_id: Uuid
    project_id: Uuid


class ArchiveProjectHandler:
    def __init__(self, scope: WriteScope, projects: Projects) -> None:
        self._scope = scope
        self._projects = projects

    def __call__(self, command: ArchiveProject) -> Result[None]:
        project = read_project(self._scope.store, command.workspace_id, command.project_id)
        if project is None:
            return Failure(NotFound())
        unseen = refuse_unseen(ProjectView.of(project), self._scope.context, required=False)
        if unseen is not None:
            return Failure(unseen)
        if project.is_archived:
            return Success(None)
        archived = self._projects.archive(project, rfc3339(self._scope.runtime.clock.now()))
        if isinstance(archived, Failure):
            return archived
        told = ProjectArchived(workspace_id=project.workspace_id, project_id=project.project_id)
        self._scope.bus.publish(told, project.project_id, project.version + 1)
        return Success(None)


def build(scope: WriteScope) -> ArchiveProjectHandler:
    return ArchiveProjectHandler(scope, Projects(scope.uow))


ENDPOINT = command(
    "DELETE",
    "/v1/workspaces/{workspace_id}/projects/{project_id}",
    ArchiveProject,
    build,
    status=204,
    policy=Policy(
        permission="projects:write", rate_limit=RateLimit(feature=RatedFeature.COMMANDS), audit="ArchiveProject"
    ),
    summary="Archive a project",
)
lambda_handler = http_function(ENDPOINT)
