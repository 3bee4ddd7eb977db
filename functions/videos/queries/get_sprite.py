from pydantic import Field

from functions.entry import http_function
from functions.resources import RESULTS_READ, RESULTS_WRITE
from functions.videos.adapters.results import AnalysisResults, ResultFile, current_results, redirect, result_store
from functions.videos.domain.results import LINKED_SPRITE, SPRITE, sprite_sheet_name
from shared.cqrs.messages import Query
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.scope import ReadScope


class GetSprite(Query[ResultFile]):
    """The thumbnails of a video: WebVTT whose cues name parts of sheets (`https://…/sheet-001.jpg?…#xywh=0,0,160,90`)
    by signed links, as players load them without headers of their own; or the sheet of a number.
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
        if results is None or file is None:
            return Failure(NotFound())
        return Success(file if query.sheet is not None else self._linked(results, file))

    def _linked(self, results: AnalysisResults, cues: ResultFile) -> ResultFile:
        """A copy of the cues that names each sheet by a signed link: one beside them wouldn't be signed.

        Each request renews the one copy, so its links outlive the link to it.
        """
        store = result_store(self._scope.runtime)
        text = store.load(cues.key, bytes.decode)
        for name in results.manifest.files:
            text = text.replace(f"\n{name}#", f"\n{store.link(results.prefix + name)}#")
        linked = ResultFile(key=results.prefix + LINKED_SPRITE)
        store.put(linked.key, text.encode(), "text/vtt; charset=utf-8")
        return linked


def build(scope: ReadScope) -> GetSpriteHandler:
    return GetSpriteHandler(scope)


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/sprite",
    GetSprite,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's thumbnails",
    needs=FunctionNeeds(grants=(RESULTS_READ, RESULTS_WRITE)),
    present=redirect,
)
lambda_handler = http_function(ENDPOINT)
