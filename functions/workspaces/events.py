from shared.cqrs.messages import IntegrationEvent


class WorkspaceCreated(IntegrationEvent):
    service_name = "workspaces"
    aggregate_type = "workspace"

    workspace_id: str
    owner_id: str
    tier: str
