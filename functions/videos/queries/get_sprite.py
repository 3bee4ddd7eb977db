from pydantic import Field

from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.results import ResultFile, current_results, redirect
from functions.videos.domain.results import SPRITE, sprite_sheet_name
from shared.cqrs.messages import Query
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class GetSprite(Query[ResultFile]):
    """The thumbnails of a video: WebVTT whose cues name parts of sheets (`sprites/sheet-001.jpg#xywh=0,0,160,90`), or
    the sheet of a number.
    """

    workspace_id: Uuid
    video_id: Uuid
    sheet: int | None = Field(None, ge=1, le=999)


class GetSpriteHandler:
    def __init__(self, scope: ReadScope) -> None:
        self._scope = scope

    def __call__(self, query: GetSprite) -> Result[ResultFile]:
        results = current_results(self._scope, query.workspace_id, query.video_id)
        file = results.file(SPRITE if query.sheet is None else sprite_sheet_name(query.sheet)) if results else None
        return Success(file) if file else Failure(NotFound())


def build(scope: ReadScope) -> GetSpriteHandler:
    return GetSpriteHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/sprite",
    GetSprite,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's thumbnails",
    needs=FunctionNeeds(grants=(RESULTS_READ,)),
    present=redirect,
)
lambda_handler = http_function(ENDPOINT)
