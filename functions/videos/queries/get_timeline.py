from collections.abc import Iterable, Mapping, Sequence

from pydantic import Field

from functions.entry import http_function
from functions.resources import RESULTS_READ
from functions.videos.adapters.results import LINK_SECONDS, AnalysisResults, result_store, results_of
from functions.videos.adapters.videos import read_video
from functions.videos.domain.results import ScreenText, Shot, ShotMeasures, SoundKind, SpeechSegment
from shared.aws.grants import CURSOR_SECRET
from shared.cqrs.messages import Query, View
from shared.cqrs.policy import Policy
from shared.http.endpoint import query
from shared.kernel.errors import FieldError, NotFound
from shared.kernel.ids import Uuid
from shared.kernel.result import Failure, Result, Success
from shared.messaging.routing import FunctionNeeds
from shared.persistence.pagination import Cursors, cursors
from shared.persistence.scope import ReadScope

_LINK_PERIOD_SECONDS = LINK_SECONDS // 2


class SegmentView(View):
    """A text on screen or a stretch of speech that lies in the shot, at least in part."""

    segment_id: str
    start_ms: int
    end_ms: int
    text: str


class SoundView(View):
    """A kind of sound that is heard in the shot, at least in part."""

    segment_id: str
    start_ms: int
    end_ms: int
    kind: SoundKind


class ShotView(View):
    segment_id: str
    start_ms: int
    end_ms: int
    keyframe_url: str | None
    labels: list[str]
    text: list[SegmentView]
    speech: list[SegmentView]
    people: list[str]
    sounds: list[SoundView]
    measures: ShotMeasures | None


class TimelineView(View):
    """`link_period` isn't shown: it is the hour in which the links were signed."""

    duration_ms: int
    next_cursor: str | None
    shots: list[ShotView]
    link_period: int = Field(exclude=True)

    def significant(self) -> str:
        # A link that is signed anew is no new version; but whoever keeps revalidating what they have must get new links
        # before theirs have run out.
        contents = self.model_dump_json(exclude={"shots": {"__all__": {"keyframe_url"}}})
        return f"{self.link_period} {contents}"


class FoundShot(View):
    """A shot as found; its keyframe is the key of an object."""

    shot: Shot
    keyframe_key: str | None
    text: list[SegmentView]
    speech: list[SegmentView]
    sounds: list[SoundView]


class FoundTimeline(View):
    duration_ms: int
    next_cursor: str | None
    shots: list[FoundShot]


class GetTimeline(Query[FoundTimeline]):
    """The shots that overlap the time asked for, of the video's latest completed analysis."""

    workspace_id: Uuid
    video_id: Uuid
    from_ms: int = Field(0, ge=0)
    to_ms: int | None = Field(None, ge=0)
    limit: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=1024)

    def rules(self) -> Iterable[FieldError]:
        if self.to_ms is not None and self.to_ms <= self.from_ms:
            yield FieldError("/to_ms", "before-from", "to_ms must be greater than from_ms")


class GetTimelineHandler:
    def __init__(self, scope: ReadScope, cursors: Cursors) -> None:
        self._scope = scope
        self._cursors = cursors

    def __call__(self, query: GetTimeline) -> Result[FoundTimeline]:
        video = read_video(self._scope.store, query.workspace_id, query.video_id)
        if video is None or video.current_analysis_id is None:
            return Failure(NotFound())
        walk = f"timeline:{query.workspace_id}:{query.video_id}:{query.from_ms}:{query.to_ms}"
        # A walk goes on in the analysis that it began in, whatever was completed meanwhile.
        analysis_id, start = video.current_analysis_id, 0
        if query.cursor:
            analysis_id, _, position = self._cursors.read(query.cursor, walk).partition(":")
            start = int(position)
        results = results_of(self._scope.runtime, query.workspace_id, query.video_id, analysis_id)
        timeline = results.timeline
        wanted = [
            shot
            for shot in timeline.shots
            if shot.end_ms > query.from_ms and (query.to_ms is None or shot.start_ms < query.to_ms)
        ]
        end = start + query.limit
        more = end < len(wanted)
        return Success(
            FoundTimeline(
                duration_ms=timeline.duration_ms,
                next_cursor=self._cursors.make(f"{analysis_id}:{end}", walk) if more else None,
                shots=_with_contents(wanted[start:end], results),
            )
        )


def _with_contents(shots: Sequence[Shot], results: AnalysisResults) -> list[FoundShot]:
    texts = {text.segment_id: text for text in results.texts}
    speech = {segment.segment_id: segment for segment in results.speech}
    sounds = {
        one.segment_id: SoundView(segment_id=one.segment_id, start_ms=one.start_ms, end_ms=one.end_ms, kind=one.kind)
        for one in results.sounds
    }
    return [
        FoundShot(
            shot=shot,
            keyframe_key=results.prefix + shot.keyframe if shot.keyframe else None,
            text=_segments(shot.text, texts),
            speech=_segments(shot.speech, speech),
            sounds=[sounds[segment_id] for segment_id in shot.sounds],
        )
        for shot in shots
    ]


def _segments(
    segment_ids: Iterable[str], segments: Mapping[str, ScreenText] | Mapping[str, SpeechSegment]
) -> list[SegmentView]:
    found = [segments[segment_id] for segment_id in segment_ids]
    return [
        SegmentView(segment_id=one.segment_id, start_ms=one.start_ms, end_ms=one.end_ms, text=one.text) for one in found
    ]


def present(scope: ReadScope, timeline: FoundTimeline) -> TimelineView:
    results = result_store(scope.runtime)
    return TimelineView(
        duration_ms=timeline.duration_ms,
        next_cursor=timeline.next_cursor,
        shots=[
            ShotView(
                segment_id=found.shot.segment_id,
                start_ms=found.shot.start_ms,
                end_ms=found.shot.end_ms,
                keyframe_url=results.link(found.keyframe_key) if found.keyframe_key else None,
                labels=list(found.shot.labels),
                text=found.text,
                speech=found.speech,
                people=list(found.shot.people),
                sounds=found.sounds,
                measures=found.shot.measures,
            )
            for found in timeline.shots
        ],
        link_period=int(scope.runtime.clock.now().timestamp()) // _LINK_PERIOD_SECONDS,
    )


def build(scope: ReadScope) -> GetTimelineHandler:
    return GetTimelineHandler(scope, cursors(scope.runtime))


ENDPOINT = query(
    "/v1/workspaces/{workspace_id}/videos/{video_id}/timeline",
    GetTimeline,
    build,
    policy=Policy(permission="videos:read"),
    summary="A video's shots with what is seen and said in them",
    needs=FunctionNeeds(grants=(RESULTS_READ, CURSOR_SECRET)),
    present=present,
)
lambda_handler = http_function(ENDPOINT)
