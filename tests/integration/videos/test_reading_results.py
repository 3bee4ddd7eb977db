import io
from urllib.parse import urlsplit

import numpy as np
import pytest

from functions.analysis.captions import thumbnails
from functions.videos.adapters.embedding import MiniLmEmbedder
from functions.videos.domain.results import (
    MANIFEST,
    MOMENT_VECTORS,
    MOMENTS,
    RESULTS,
    SPRITE,
    SUBRIP,
    TEXTS,
    TIMELINE,
    TRANSCRIPT,
    WEBVTT,
    Box,
    Counts,
    Manifest,
    Moment,
    MomentKind,
    Moments,
    ScreenText,
    Shot,
    SpeechSegment,
    SpriteThumbnail,
    Texts,
    Timeline,
    Transcript,
    Transition,
    results_prefix,
    sprite_sheet_name,
)
from functions.videos.public.moments import MomentLibrary
from functions.videos.queries import get_chapters, get_results, get_sprite, get_timeline, get_transcript, search_moments
from shared.cqrs.pipeline import Context
from shared.http.endpoint import Endpoint
from shared.persistence.scope import ReadScope
from tests.support.aws import Aws
from tests.support.http import Answer
from tests.support.videos import Studio, with_query

SHOT_MS = 5_000
SAID = ("It was the best of times.", "It was the worst of times.", "The bakery sells fresh bread every morning.")


class Analysed:
    """A video with 30 shots, a caption in the second one and three sentences."""

    def __init__(self, aws: Aws, clip: bytes) -> None:
        self.aws = aws
        self.studio = Studio(aws)
        self.video_id = self.studio.uploaded_video(clip)
        self.path = self.studio.video_path(self.video_id)
        self.analysis_id = self.analyse("first", shots=30)

    def analyse(self, key: str, *, shots: int) -> str:
        analysis_id = self.studio.requested_analysis(self.video_id, key=key)
        write_results(self.aws, self.studio.workspace_id, self.video_id, analysis_id, shots=shots)
        assert self.studio.tell_outcome(self.video_id, analysis_id, manifest_key="m", duration_ms=1500)
        return analysis_id

    def timeline(self, **fields: object) -> Answer:
        return self.studio.caller.send(get_timeline.ENDPOINT, with_query(f"{self.path}/timeline", **fields))

    def get(self, endpoint: Endpoint, name: str, **fields: object) -> Answer:
        return self.studio.caller.send(endpoint, with_query(f"{self.path}/{name}", **fields))

    @property
    def prefix(self) -> str:
        return results_prefix(self.studio.workspace_id, self.video_id, self.analysis_id)

    def transcript(self, **fields: object) -> Answer:
        return self.studio.caller.send(get_transcript.ENDPOINT, with_query(f"{self.path}/transcript", **fields))

    def moments(self, **fields: object) -> Answer:
        return self.studio.caller.send(search_moments.ENDPOINT, with_query(f"{self.path}/moments", **fields))


def write_results(aws: Aws, workspace_id: str, video_id: str, analysis_id: str, *, shots: int) -> None:
    prefix = results_prefix(workspace_id, video_id, analysis_id)
    caption = ScreenText(
        segment_id="text-0001",
        text="An unlucky bird",
        start_ms=6_000,
        end_ms=9_000,
        confidence=0.9,
        box=Box(x=0.1, y=0.1, width=0.5, height=0.1),
    )
    speech = tuple(
        SpeechSegment(
            segment_id=f"speech-{number:04}",
            start_ms=number * 2_000,
            end_ms=number * 2_000 + 1_900,
            text=text,
            confidence=0.8,
        )
        for number, text in enumerate(SAID, 1)
    )
    timeline = Timeline(
        duration_ms=shots * SHOT_MS,
        shots=tuple(
            Shot(
                segment_id=f"shot-{number + 1:04}",
                start_ms=number * SHOT_MS,
                end_ms=(number + 1) * SHOT_MS,
                start_frame=number * 120,
                end_frame=(number + 1) * 120,
                transition=Transition.CUT if number else Transition.START,
                confidence=1,
                keyframe=f"keyframes/shot-{number + 1:04}.jpg",
                text=("text-0001",) if number == 1 else (),
            )
            for number in range(shots)
        ),
    )
    moments = tuple(
        Moment(segment_id=one.segment_id, kind=kind, start_ms=one.start_ms, end_ms=one.end_ms, text=one.text)
        for kind, segments in ((MomentKind.TEXT, (caption,)), (MomentKind.SPEECH, speech))
        for one in segments
    )
    vectors = io.BytesIO()
    np.save(vectors, MiniLmEmbedder().embed([one.text for one in moments]).astype(np.float16))
    bodies = {
        TIMELINE: timeline.model_dump_json().encode(),
        TEXTS: Texts(texts=(caption,)).model_dump_json().encode(),
        TRANSCRIPT: Transcript(segments=speech).model_dump_json().encode(),
        MOMENTS: Moments(moments=moments).model_dump_json().encode(),
        MOMENT_VECTORS: vectors.getvalue(),
        SPRITE: thumbnails([THUMBNAIL]).encode(),
    }
    manifest = Manifest(
        workspace_id=workspace_id,
        video_id=video_id,
        analysis_id=analysis_id,
        features=("shots", "text", "speech"),
        mode="fast",
        duration_ms=timeline.duration_ms,
        width=320,
        height=180,
        frame_rate=24,
        has_audio=True,
        models=(),
        counts=Counts(frames=1, shots=shots, texts=1, speech=3, moments=4),
        files=(*bodies, SUBRIP, WEBVTT, sprite_sheet_name(1), RESULTS),
    )
    for name, body in {**bodies, MANIFEST: manifest.model_dump_json().encode()}.items():
        aws.put_result(prefix + name, body)


THUMBNAIL = SpriteThumbnail(sheet=sprite_sheet_name(1), start_ms=0, end_ms=10_000, x=0, y=0, width=160, height=90)


@pytest.fixture
def analysed(aws: Aws, clip: bytes) -> Analysed:
    return Analysed(aws, clip)


def test_before_the_first_completed_analysis_there_is_no_timeline(aws: Aws, clip: bytes) -> None:
    studio = Studio(aws)
    path = studio.video_path(studio.uploaded_video(clip))

    assert studio.caller.send(get_timeline.ENDPOINT, f"{path}/timeline").status == 404
    assert studio.caller.send(get_transcript.ENDPOINT, f"{path}/transcript").status == 404
    assert studio.caller.send(search_moments.ENDPOINT, f"{path}/moments?q=bird").json["items"] == []


def test_the_timeline_tells_what_is_in_each_shot(analysed: Analysed) -> None:
    answer = analysed.timeline(limit=2)

    first, second = answer.json["shots"]
    assert answer.json["duration_ms"] == 150_000
    assert (first["segment_id"], first["start_ms"], first["end_ms"], first["text"]) == ("shot-0001", 0, 5_000, [])
    assert second["text"] == [
        {"segment_id": "text-0001", "start_ms": 6_000, "end_ms": 9_000, "text": "An unlucky bird"}
    ]


def test_a_keyframes_url_is_signed_for_this_keyframe(analysed: Analysed) -> None:
    (shot,) = analysed.timeline(limit=1).json["shots"]

    url = shot["keyframe_url"]
    prefix = results_prefix(analysed.studio.workspace_id, analysed.video_id, analysed.analysis_id)
    assert f"/{prefix}keyframes/shot-0001.jpg?" in url
    assert "X-Amz-Expires=7200" in url


def test_the_etag_is_the_same_while_the_links_last(analysed: Analysed) -> None:
    first = analysed.timeline()
    analysed.aws.clock.advance(minutes=59)
    path = f"{analysed.path}/timeline"

    again = analysed.studio.caller.send(get_timeline.ENDPOINT, path, headers={"If-None-Match": first.headers["etag"]})
    analysed.aws.clock.advance(minutes=2)
    later = analysed.studio.caller.send(get_timeline.ENDPOINT, path, headers={"If-None-Match": first.headers["etag"]})

    assert (again.status, later.status) == (304, 200)
    assert "link_period" not in first.json


def test_a_link_that_is_signed_anew_is_no_new_version(analysed: Analysed) -> None:
    (shot,) = analysed.timeline(limit=1).json["shots"]
    first, again = (
        get_timeline.TimelineView(
            duration_ms=1,
            next_cursor=None,
            shots=[get_timeline.ShotView.model_validate({**shot, "keyframe_url": url})],
            link_period=1,
        )
        for url in ("https://bucket.example/k?signed=1", "https://bucket.example/k?signed=2")
    )

    assert first.significant() == again.significant()
    assert "signed=1" in first.model_dump_json()


def test_a_walk_through_the_timeline_meets_every_shot_once(analysed: Analysed) -> None:
    seen: list[str] = []
    fields: dict[str, object] = {"limit": 7}
    while True:
        page = analysed.timeline(**fields).json
        seen += [shot["segment_id"] for shot in page["shots"]]
        if page["next_cursor"] is None:
            break
        fields["cursor"] = page["next_cursor"]

    assert seen == [f"shot-{number:04}" for number in range(1, 31)]


def test_a_walk_goes_on_in_the_analysis_that_it_began_in(analysed: Analysed) -> None:
    first = analysed.timeline(limit=20).json
    analysed.analyse("rerun", shots=3)

    second = analysed.timeline(limit=20, cursor=first["next_cursor"]).json

    assert [shot["segment_id"] for shot in second["shots"]] == [f"shot-{number:04}" for number in range(21, 31)]
    assert len(analysed.timeline().json["shots"]) == 3


def test_a_stretch_of_the_timeline(analysed: Analysed) -> None:
    shots = analysed.timeline(from_ms=5_000, to_ms=10_001).json["shots"]

    assert [shot["segment_id"] for shot in shots] == ["shot-0002", "shot-0003"]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"from_ms": 10, "to_ms": 10}, 422),
        ({"from_ms": -1}, 422),
        ({"from_ms": "soon"}, 422),
        ({"limit": 0}, 422),
        ({"limit": 101}, 422),
        ({"cursor": "AAAA"}, 400),
        ({"cursor": "%%%"}, 400),
        ({"colour": "red"}, 422),
    ],
)
def test_questions_that_make_no_sense(analysed: Analysed, fields: dict[str, object], status: int) -> None:
    assert analysed.timeline(**fields).status == status


def test_a_cursor_of_another_walk_is_refused(analysed: Analysed) -> None:
    cursor = analysed.timeline(limit=1).json["next_cursor"]

    assert analysed.transcript(cursor=cursor).status == 400
    assert analysed.timeline(from_ms=5, cursor=cursor).status == 400


def test_the_transcript_in_pages(analysed: Analysed) -> None:
    first = analysed.transcript(limit=2).json
    second = analysed.transcript(limit=2, cursor=first["next_cursor"]).json

    assert [one["text"] for page in (first, second) for one in page["items"]] == list(SAID)
    assert second["next_cursor"] is None
    assert first["as_of"].endswith("Z")


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_captions_are_a_signed_link_away(analysed: Analysed, form: str) -> None:
    answer = analysed.transcript(format=form)

    assert answer.status == 303
    assert key_of(answer) == f"{analysed.prefix}transcript.{form}"
    assert "etag" not in answer.headers
    assert "private" in answer.headers["cache-control"] or answer.headers["cache-control"] == "no-store"


def test_there_are_no_other_forms_of_the_transcript(analysed: Analysed) -> None:
    answer = analysed.transcript(format="doc")

    assert answer.status == 422
    assert answer.json["errors"][0]["pointer"] == "/format"


def test_captions_have_no_pages(analysed: Analysed) -> None:
    cursor = analysed.transcript(limit=1).json["next_cursor"]

    assert analysed.transcript(format="srt", cursor=cursor).json["errors"][0]["pointer"] == "/cursor"


def test_a_sheet_of_thumbnails_is_a_signed_link_away(analysed: Analysed) -> None:
    answer = analysed.get(get_sprite.ENDPOINT, "sprite", sheet=1)

    assert (answer.status, key_of(answer)) == (303, f"{analysed.prefix}sprites/sheet-001.jpg")


def test_the_cues_of_the_thumbnails_name_sheets_that_a_player_can_load(aws: Aws, analysed: Analysed) -> None:
    answer = analysed.get(get_sprite.ENDPOINT, "sprite")

    assert answer.status == 303
    cues = aws.result(key_of(answer)).decode()
    assert cues.startswith("WEBVTT\n\n00:00:00.000 --> ")
    (sheet,) = {line.partition("#")[0] for line in cues.splitlines() if "#xywh=" in line}
    link = urlsplit(sheet)
    assert link.scheme == "https"
    assert "X-Amz-Signature" in link.query
    assert link.path.endswith(f"{analysed.prefix}sprites/sheet-001.jpg")


def test_a_sheet_that_isnt_there_is_not_found(analysed: Analysed) -> None:
    assert analysed.get(get_sprite.ENDPOINT, "sprite", sheet=2).status == 404


def test_raw_results_are_a_signed_link_away(analysed: Analysed) -> None:
    answer = analysed.get(get_results.ENDPOINT, "results")

    assert (answer.status, key_of(answer)) == (303, f"{analysed.prefix}analysis.json")


def test_chapters_cover_the_video(analysed: Analysed) -> None:
    answer = analysed.get(get_chapters.ENDPOINT, "chapters")

    assert answer.status == 200
    assert answer.json["items"] == [
        {"segment_id": "chapter-0001", "start_ms": 0, "end_ms": 150_000, "title": None},
    ]


@pytest.mark.parametrize(
    ("endpoint", "name"),
    [(get_chapters.ENDPOINT, "chapters"), (get_sprite.ENDPOINT, "sprite"), (get_results.ENDPOINT, "results")],
)
def test_before_the_first_completed_analysis_there_is_nothing(
    aws: Aws, clip: bytes, endpoint: Endpoint, name: str
) -> None:
    studio = Studio(aws)
    path = studio.video_path(studio.uploaded_video(clip))

    assert studio.caller.send(endpoint, f"{path}/{name}").status == 404


def key_of(answer: Answer) -> str:
    """The key of the object that an answer's signed link leads to."""
    link = urlsplit(answer.headers["location"])
    assert "X-Amz-Signature" in link.query
    return link.path.removeprefix("/").removeprefix("visionscope-test-results/")


def test_moments_are_found_by_their_words(analysed: Analysed) -> None:
    best = analysed.moments(q="unlucky BIRDS").json["items"][0]

    assert (best["segment_id"], best["kind"], best["start_ms"], best["end_ms"]) == ("text-0001", "text", 6_000, 9_000)
    assert (best["video_id"], best["snippet"]) == (analysed.video_id, "An unlucky bird")
    assert 0 < best["score"] <= 1


def test_moments_are_found_by_their_meaning(analysed: Analysed) -> None:
    assert analysed.moments(q="buying a loaf early in the day").json["items"][0]["segment_id"] == "speech-0003"


def test_moments_of_one_kind(analysed: Analysed) -> None:
    assert analysed.moments(q="bird", kind="speech").json["items"] == []
    assert analysed.moments(q="bird", kind="text").json["items"]


def test_found_moments_come_in_pages(analysed: Analysed) -> None:
    first = analysed.moments(q="times", limit=1).json
    second = analysed.moments(q="times", limit=1, cursor=first["next_cursor"]).json

    found = {one["segment_id"] for page in (first, second) for one in page["items"]}
    assert found == {"speech-0001", "speech-0002"}


@pytest.mark.parametrize("fields", [{}, {"q": " "}, {"q": "x" * 501}, {"q": "bird", "kind": "smell"}])
def test_searches_that_make_no_sense(analysed: Analysed, fields: dict[str, object]) -> None:
    assert analysed.moments(**fields).status == 422


def test_another_workspace_sees_nothing_of_it(analysed: Analysed) -> None:
    theirs = Studio(analysed.aws)
    path = theirs.video_path(analysed.video_id)

    for endpoint, rest in (
        (get_timeline.ENDPOINT, "/timeline"),
        (get_transcript.ENDPOINT, "/transcript"),
        (search_moments.ENDPOINT, "/moments?q=bird"),
    ):
        assert theirs.caller.send(endpoint, path + rest).status == 404


def test_other_contexts_get_the_moments_with_their_vectors(analysed: Analysed) -> None:
    aws = analysed.aws
    now = aws.clock.now()
    scope = ReadScope(aws.runtime, Context(message_id="m", correlation_id="c", received_at=now, deadline=now))

    found = MomentLibrary(scope).of(analysed.studio.workspace_id, analysed.video_id)

    assert found is not None
    assert [one.segment_id for one in found.moments] == ["text-0001", "speech-0001", "speech-0002", "speech-0003"]
    assert found.vectors.shape == (4, 384)
    assert MomentLibrary(scope).of(aws.ids.new(), analysed.video_id) is None
