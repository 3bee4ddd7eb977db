import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from functions.videos.domain.chapters import chapters
from functions.videos.domain.results import Box, ScreenText, Shot, SpeechSegment, Transition

MINUTE = 60_000
FISH = "The salmon swims up the river and the fisher waits with net and boat for salmon and trout."
BREAD = "The baker kneads the dough, heats the oven and bakes fresh bread and rolls from flour and yeast."


def shot(start_ms: int, end_ms: int, transition: Transition = Transition.CUT) -> Shot:
    return Shot(
        segment_id=f"shot-{start_ms}",
        start_ms=start_ms,
        end_ms=end_ms,
        start_frame=0,
        end_frame=1,
        transition=transition,
        confidence=1,
        keyframe=None,
    )


def shots(duration_ms: int, fades: Sequence[int] = ()) -> list[Shot]:
    return [
        shot(start, min(start + 5_000, duration_ms), Transition.FADE if start in fades else Transition.CUT)
        for start in range(0, duration_ms, 5_000)
    ]


def text(start_ms: int, words: str, height: float = 0.08, confidence: float = 0.95) -> ScreenText:
    return ScreenText(
        segment_id=f"text-{start_ms}",
        text=words,
        start_ms=start_ms,
        end_ms=start_ms + 4_000,
        confidence=confidence,
        box=Box(x=0.2, y=0.4, width=0.6, height=height),
    )


def speech(start_ms: int, end_ms: int, words: str) -> list[SpeechSegment]:
    return [
        SpeechSegment(segment_id=f"speech-{at}", start_ms=at, end_ms=at + 4_900, text=words, confidence=0.9)
        for at in range(start_ms, end_ms, 5_000)
    ]


def test_a_title_after_a_fade_begins_a_chapter_and_names_it() -> None:
    found = chapters(
        3 * MINUTE,
        shots(3 * MINUTE, fades=(MINUTE, 2 * MINUTE)),
        [text(MINUTE + 500, "The harvest"), text(2 * MINUTE + 500, "The cellar"), text(MINUTE + 700, "small", 0.02)],
        [],
    )
    assert [(one.start_ms, one.end_ms, one.title) for one in found] == [
        (0, MINUTE, None),
        (MINUTE, 2 * MINUTE, "The harvest"),
        (2 * MINUTE, 3 * MINUTE, "The cellar"),
    ]


def test_a_pause_before_other_words_begins_a_chapter() -> None:
    said = speech(0, 3 * MINUTE - 5_000, FISH) + speech(3 * MINUTE, 6 * MINUTE, BREAD)
    found = chapters(6 * MINUTE, shots(6 * MINUTE), [], said)
    assert [one.start_ms for one in found] == [0, 3 * MINUTE]
    assert [one.title for one in found] == [None, None]


def test_cuts_alone_divide_nothing() -> None:
    assert [(one.start_ms, one.end_ms) for one in chapters(5 * MINUTE, shots(5 * MINUTE), [], [])] == [(0, 5 * MINUTE)]


def test_a_pause_alone_divides_nothing() -> None:
    said = speech(0, MINUTE, FISH) + speech(MINUTE + 10_000, 2 * MINUTE, FISH)
    assert len(chapters(2 * MINUTE, shots(2 * MINUTE), [], said)) == 1


def test_what_is_no_title_names_nothing() -> None:
    unfit = [text(0, "12:30"), text(0, "x" * 81), text(0, "Blurred", confidence=0.4)]
    assert [one.title for one in chapters(MINUTE, shots(MINUTE), unfit, [])] == [None]


@given(
    duration_ms=st.integers(1, 3 * 3_600_000),
    fades=st.lists(st.integers(0, 3 * 3_600_000), max_size=60, unique=True),
)
def test_chapters_cover_the_video_and_are_none_too_short(duration_ms: int, fades: list[int]) -> None:
    starts = sorted({0, *(fade for fade in fades if fade < duration_ms)})
    ends = [*starts[1:], duration_ms]
    found = chapters(
        duration_ms,
        [shot(start, end, Transition.FADE) for start, end in zip(starts, ends, strict=True)],
        [text(start, "A title") for start in starts],
        [],
    )
    assert found[0].start_ms == 0
    assert found[-1].end_ms == duration_ms
    assert all(earlier.end_ms == later.start_ms for earlier, later in itertools.pairwise(found))
    assert len(found) == 1 or all(one.end_ms - one.start_ms >= 15_000 for one in found)
    assert len(found) <= max(13, duration_ms // 300_000 + 1)
