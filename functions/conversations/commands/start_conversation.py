from collections.abc import Iterable

from pydantic import Field

from functions.billing.public import RatedFeature
from functions.conversations.adapters.conversations import Conversations
from functions.conversations.domain.conversation import MAX_VIDEOS, Conversation, VideoNotAnalysed
from functions.conversations.events import ConversationStarted
from functions.conversations.queries.get_conversation import ConversationView
from functions.entry import http_function
from functions.videos.public import read_video
from shared.cqrs.messages import Command
from shared.cqrs.policy import Idempotency, Policy, RateLimit
from shared.http.endpoint import command
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.principals import Anonymous
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import WriteScope


class StartConversation(Command[ConversationView]):
    workspace_id: Uuid
    video_ids: tuple[Uuid, ...] = Field((), max_length=MAX_VIDEOS)
    project_id: Uuid | None = None

    def rules(self) -> Iterable[FieldError]:
        if self.project_id is not None:
            yield FieldError("/project_id", "not-available", "Projects aren't available yet: name the videos")
        elif not self.video_ids:
            yield FieldError("/video_ids", "missing", "Name at least one video")
        for position, video_id in enumerate(self.video_ids):
            if video_id in self.video_ids[:position]:
                yield FieldError(f"/video_ids/{position}", "duplicate", "This video is named before")


class StartConversationHandler:
    def __init__(self, scope: WriteScope, conversations: Conversations) -> None:
        self._scope = scope
        self._conversations = conversations

    def __call__(self, command: StartConversation) -> Result[ConversationView]:
        for video_id in command.video_ids:
            video = read_video(self._scope.store, command.workspace_id, video_id)
            if video is None:
                return Failure(NotFound())
            # Not by its status: while a rerun is at work there are the results of the analysis before.
            if video.current_analysis_id is None:
                return Failure(VideoNotAnalysed(video_id))
        conversation = Conversation(
            workspace_id=command.workspace_id,
            conversation_id=self._scope.runtime.ids.new(),
            video_ids=command.video_ids,
            created_at=rfc3339(self._scope.runtime.clock.now()),
        )
        principal = self._scope.context.principal
        assert not isinstance(principal, Anonymous)
        self._conversations.add(conversation, started_by=principal.actor)
        self._scope.uow.record(
            ConversationStarted(
                workspace_id=command.workspace_id,
                conversation_id=conversation.conversation_id,
                video_ids=command.video_ids,
            ),
            conversation.conversation_id,
            version=1,
        )
        return Success(ConversationView.of(conversation))


def build(scope: WriteScope) -> StartConversationHandler:
    return StartConversationHandler(scope, Conversations(scope.uow))


ENDPOINT = command(
    "POST",
    "/v1/workspaces/{workspace_id}/conversations",
    StartConversation,
    build,
    status=201,
    policy=Policy(
        permission="conversations:write",
        rate_limit=RateLimit(feature=RatedFeature.COMMANDS),
        idempotency=Idempotency.OPTIONAL,
    ),
    summary="Start a conversation about videos",
    location=lambda path, conversation: (
        f"/v1/workspaces/{path['workspace_id']}/conversations/{conversation.conversation_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
