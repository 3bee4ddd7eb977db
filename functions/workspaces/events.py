from shared.cqrs.messages import IntegrationEvent


class WorkspaceCreated(IntegrationEvent):
    service_name = "workspaces"
    aggregate_type = "workspace"

    workspace_id: str
    owner_id: str
    tier: str


class ProjectCreated(IntegrationEvent):
    """What a project is called may be personal: names stay in the project."""

    service_name = "workspaces"
    aggregate_type = "project"

    workspace_id: str
    project_id: str


class ProjectRenamed(IntegrationEvent):
    service_name = "workspaces"
    aggregate_type = "project"

    workspace_id: str
    project_id: str


class ProjectArchived(IntegrationEvent):
    """The project takes no further videos. Those in it stay."""

    service_name = "workspaces"
    aggregate_type = "project"

    workspace_id: str
    project_id: str
