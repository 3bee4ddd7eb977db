from collections.abc import Iterable, Sequence
from itertools import islice

from pydantic import Field

from functions.billing.public import RatedFeature
from functions.conversations.adapters.conversations import Conversations
from functions.conversations.domain.conversation import (
    MAX_PROJECT_VIDEOS,
    MAX_VIDEOS,
    Conversation,
    ProjectNotAnalysed,
    TooManyVideos,
    VideoNotAnalysed,
)
from functions.conversations.events import ConversationStarted
from functions.conversations.queries.get_conversation import ConversationView
from functions.entry import http_function
from functions.videos.public import Video, project_videos, read_video
from functions.workspaces.public import read_project
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
    """About the videos named, or about all of a project that are analysed by now."""

    workspace_id: Uuid
    video_ids: tuple[Uuid, ...] = Field((), max_length=MAX_VIDEOS)
    project_id: Uuid | None = None

    def rules(self) -> Iterable[FieldError]:
        if self.project_id is not None and self.video_ids:
            yield FieldError("/project_id", "ambiguous", "Name the videos or their project, not both")
        elif self.project_id is None and not self.video_ids:
            yield FieldError("/video_ids", "missing", "Name at least one video, or a project")
        for position, video_id in enumerate(self.video_ids):
            if video_id in self.video_ids[:position]:
                yield FieldError(f"/video_ids/{position}", "duplicate", "This video is named before")


class StartConversationHandler:
    def __init__(self, scope: WriteScope, conversations: Conversations) -> None:
        self._scope = scope
        self._conversations = conversations

    def __call__(self, command: StartConversation) -> Result[ConversationView]:
        found = (
            self._named(command.workspace_id, command.video_ids)
            if command.project_id is None
            else self._of_project(command.workspace_id, command.project_id)
        )
        if isinstance(found, Failure):
            return found
        projects = {video.project_id for video in found.value}
        conversation = Conversation(
            workspace_id=command.workspace_id,
            conversation_id=self._scope.runtime.ids.new(),
            video_ids=tuple(video.video_id for video in found.value),
            created_at=rfc3339(self._scope.runtime.clock.now()),
            project_id=projects.pop() if len(projects) == 1 else None,
        )
        principal = self._scope.context.principal
        assert not isinstance(principal, Anonymous)
        self._conversations.add(conversation, started_by=principal.actor)
        self._scope.uow.record(
            ConversationStarted(
                workspace_id=command.workspace_id,
                conversation_id=conversation.conversation_id,
                video_ids=conversation.video_ids,
                project_id=conversation.project_id,
            ),
            conversation.conversation_id,
            version=1,
        )
        return Success(ConversationView.of(conversation))

    def _named(self, workspace_id: str, video_ids: Sequence[str]) -> Result[Sequence[Video]]:
        videos: list[Video] = []
        for video_id in video_ids:
            video = read_video(self._scope.store, workspace_id, video_id)
            if video is None:
                return Failure(NotFound())
            # Not by its status: while a rerun is at work there are the results of the analysis before.
            if video.current_analysis_id is None:
                return Failure(VideoNotAnalysed(video_id))
            videos.append(video)
        return Success(videos)

    def _of_project(self, workspace_id: str, project_id: str) -> Result[Sequence[Video]]:
        """All that are analysed, the oldest first."""
        if read_project(self._scope.store, workspace_id, project_id) is None:
            return Failure(NotFound())
        analysed = (
            video
            for video in project_videos(self._scope.store, workspace_id, project_id)
            if video.current_analysis_id is not None
        )
        videos = list(islice(analysed, MAX_PROJECT_VIDEOS + 1))
        if not videos:
            return Failure(ProjectNotAnalysed())
        return Success(videos[::-1]) if len(videos) <= MAX_PROJECT_VIDEOS else Failure(TooManyVideos())


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
    summary="Start a conversation about videos or a project",
    location=lambda path, conversation: (
        f"/v1/workspaces/{path['workspace_id']}/conversations/{conversation.conversation_id}"
    ),
)
lambda_handler = http_function(ENDPOINT)
