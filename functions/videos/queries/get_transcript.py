from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.results import ResultFile, redirect, results_of
from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import SUBRIP, WEBVTT
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import Redirect, query
from shared.kernel.clock import rfc3339
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope

_CAPTIONS = {"srt": SUBRIP, "vtt": WEBVTT}


class SpeechView(View):
    segment_id: str
    start_ms: int
    end_ms: int
    text: str
    confidence: float


class TranscriptPage(View):
    items: list[SpeechView]
    next_cursor: str | None
    as_of: str


class GetTranscript(Query[TranscriptPage | ResultFile]):
    """What is said, in order, by the video's latest completed analysis; empty where it didn't listen for speech.

    Captions are whole files, so a page of them can't be asked for.
    """

    workspace_id: Uuid
    video_id: Uuid
    format: Literal["json", "srt", "vtt"] = "json"
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)

    def rules(self) -> Iterable[FieldError]:
        if self.format != "json" and self.cursor is not None:
            yield FieldError("/cursor", "not-paged", f"{self.format} comes as a whole")


class GetTranscriptHandler:
    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: GetTranscript) -> Result[TranscriptPage | ResultFile]:
        video = read_video(self._scope.store, query.workspace_id, query.video_id)
        if video is None or video.current_analysis_id is None:
            return Failure(NotFound())
        if query.format != "json":
            results = results_of(self._scope.runtime, query.workspace_id, query.video_id, video.current_analysis_id)
            file = results.file(_CAPTIONS[query.format])
            return Success(file) if file else Failure(NotFound("The analysis didn't listen for speech."))
        walk = f"transcript:{query.workspace_id}:{query.video_id}"
        # A walk goes on in the analysis that it began in, whatever was completed meanwhile.
        analysis_id, start = video.current_analysis_id, 0
        if query.cursor:
            analysis_id, _, position = self._cursors.read(query.cursor, walk).partition(":")
            start = int(position)
        speech = results_of(self._scope.runtime, query.workspace_id, query.video_id, analysis_id).speech
        end = start + query.limit
        more = end < len(speech)
        return Success(
            TranscriptPage(
                items=[
                    SpeechView(
                        segment_id=one.segment_id,
                        start_ms=one.start_ms,
                        end_ms=one.end_ms,
                        text=one.text,
                        confidence=one.confidence,
                    )
                    for one in speech[start:end]
                ],
                next_cursor=self._cursors.make(f"{analysis_id}:{end}", walk) if more else None,
                as_of=rfc3339(self._scope.runtime.clock.now()),
            )
        )


def present(scope: ReadScope, transcript: TranscriptPage | ResultFile) -> TranscriptPage | Redirect:
    return redirect(scope, transcript) if isinstance(transcript, ResultFile) else transcript


def build(scope: ReadScope) -> GetTranscriptHandler:
    return GetTranscriptHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/transcript",
    GetTranscript,
    build,
    policy=Policy(permission="videos:read"),
    summary="What is said in a video",
    needs=FunctionNeeds(grants=(RESULTS_READ, CURSOR_SECRET)),
    present=present,
)
lambda_handler = http_function(ENDPOINT)
