from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.results import current_results
from functions.videos.domain.chapters import chapters
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class ChapterView(View):
    """`title` is a text that stands on the screen where the chapter begins, if there is one."""

    segment_id: str
    start_ms: int
    end_ms: int
    title: str | None


class ChaptersView(View):
    duration_ms: int
    items: list[ChapterView]


class GetChapters(Query[ChaptersView]):
    """The video from its beginning to its end, divided where one subject seems to follow another."""

    workspace_id: Uuid
    video_id: Uuid


class GetChaptersHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetChapters) -> Result[ChaptersView]:
        results = current_results(self._scope, query.workspace_id, query.video_id)
        if results is None:
            return Failure(NotFound())
        timeline = results.timeline
        found = chapters(timeline.duration_ms, timeline.shots, results.texts, results.speech)
        return Success(
            ChaptersView(
                duration_ms=timeline.duration_ms,
                items=[
                    ChapterView(
                        segment_id=f"chapter-{number:04}",
                        start_ms=chapter.start_ms,
                        end_ms=chapter.end_ms,
                        title=chapter.title,
                    )
                    for number, chapter in enumerate(found, start=1)
                ],
            )
        )


def build(scope: ReadScope) -> GetChaptersHandler:
    return GetChaptersHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/chapters",
    GetChapters,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's chapters",
    needs=FunctionNeeds(grants=(RESULTS_READ,)),
)
lambda_handler = http_function(ENDPOINT)
