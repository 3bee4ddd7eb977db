from functions.billing.public import RatedFeature
from functions.entry import http_function
from functions.workspaces.adapters.projects import Projects
from functions.workspaces.domain.project import Project, ProjectName
from functions.workspaces.events import ProjectCreated
from functions.workspaces.queries.get_project import ProjectView
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class CreateProject(Command[ProjectView]):
    """No two projects of a workspace have one name, whatever its case, until one of them is archived."""

    workspace_id: Uuid
    name: ProjectName


class CreateProjectHandler:
    def __init__(self, scope: WriteScope, projects: Projects) -> None:
        self._scope = scope
        self._projects = projects

    def __call__(self, command: CreateProject) -> Result[ProjectView]:
        principal, runtime = self._scope.context.principal, self._scope.runtime
        assert not isinstance(principal, Anonymous)
        project = Project(
            workspace_id=command.workspace_id,
            project_id=runtime.ids.new(),
            name=command.name,
            created_by=principal.actor,
            created_at=rfc3339(runtime.clock.now()),
        )
        added = self._projects.add(project)
        if isinstance(added, Failure):
            return added
        created = ProjectCreated(workspace_id=project.workspace_id, project_id=project.project_id)
        self._scope.bus.publish(created, project.project_id, version=1)
        return Success(ProjectView.of(project))


def build(scope: WriteScope) -> CreateProjectHandler:
    return CreateProjectHandler(scope, Projects(scope.uow))


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/projects",
    CreateProject,
    build,
    status=201,
    policy=Policy(
        permission="projects:write",
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        idempotency=Idempotency.OPTIONAL,
        audit="CreateProject",
    ),
    summary="Create a project",
    location=lambda path, project: f"/v1/workspaces/{path['workspace_id']}/projects/{project.project_id}",
)
lambda_handler = http_function(ENDPOINT)
