"""StartConversation as it would be written on Powertools for AWS Lambda: its validating resolver, Idempotency, Tracer.

Runs in the peers' environment. It makes the AWS calls of ours: who may do it, the video, one transaction; its
idempotency record is a write before and one after, as that library does it.
"""

import json
import os
import uuid
from datetime import UTC, datetime
from typing import Any

import botocore.session
from aws_lambda_powertools import Logger, Tracer
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import ForbiddenError, NotFoundError
from aws_lambda_powertools.utilities.idempotency import (
    DynamoDBPersistenceLayer,
    IdempotencyConfig,
    idempotent,
)
from pydantic import BaseModel, ConfigDict, Field

tracer, logger = Tracer(service="conversations"), Logger(service="conversations")
app = APIGatewayHttpResolver(enable_validation=True)
dynamodb = botocore.session.get_session().create_client("dynamodb")
config = IdempotencyConfig(event_key_jmespath='headers."idempotency-key"')
persistence = DynamoDBPersistenceLayer(
    table_name=os.environ["EPHEMERAL_TABLE"], key_attr="pk", static_pk_value="IDEMPOTENCY", sort_key_attr="sk"
)


class StartConversation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    video_ids: list[str] = Field(min_length=1, max_length=10)


class Conversation(BaseModel):
    conversation_id: str
    video_ids: list[str]
    created_at: str


@app.post("/v1/workspaces/<workspace_id>/conversations")
@tracer.capture_method
def start_conversation(workspace_id: str, request: StartConversation) -> Response[Conversation]:
    user = json.loads(app.current_event.raw_event["requestContext"]["authorizer"]["lambda"]["principal"])
    if _item(f"WORKSPACE#{workspace_id}", f"COLLABORATOR#{user['user_id']}") is None:
        raise ForbiddenError("not yours")
    for video_id in request.video_ids:
        if _item(f"VIDEO#{workspace_id}#{video_id}", "VIDEO") is None:
            raise NotFoundError("no such video")
    conversation = Conversation(
        conversation_id=str(uuid.uuid4()),
        video_ids=request.video_ids,
        created_at=datetime.now(UTC).isoformat(),
    )
    partition = f"CONVERSATION#{workspace_id}#{conversation.conversation_id}"
    row = {
        "pk": {"S": partition},
        "sk": {"S": "CONVERSATION"},
        "video_ids": {"L": [{"S": one} for one in request.video_ids]},
        "created_at": {"S": conversation.created_at},
    }
    event = {
        "pk": {"S": partition},
        "sk": {"S": str(uuid.uuid4())},
        "events": {"S": conversation.model_dump_json()},
    }
    dynamodb.transact_write_items(
        TransactItems=[
            {"Put": {"TableName": os.environ["DATA_TABLE"], "Item": row}},
            {"Put": {"TableName": os.environ["OUTBOX_TABLE"], "Item": event}},
        ]
    )
    return Response(201, content_type="application/json", body=conversation)


def _item(pk: str, sk: str) -> dict[str, Any] | None:
    key = {"pk": {"S": pk}, "sk": {"S": sk}}
    found: dict[str, Any] | None = dynamodb.get_item(
        TableName=os.environ["DATA_TABLE"], Key=key, ConsistentRead=True
    ).get("Item")
    return found


@logger.inject_lambda_context
@tracer.capture_lambda_handler
@idempotent(config=config, persistence_store=persistence)
def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    answer: dict[str, Any] = app.resolve(event, context)
    return answer
