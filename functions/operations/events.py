from shared.cqrs.messages import IntegrationEvent


class OperationProgressed(IntegrationEvent):
    """An operation was started (step 0) or has done a step; `status` says whether that was the last one."""

    service_name = "operations"
    aggregate_type = "operation"

    operation_id: str
    kind: str
    status: str
    step: int
