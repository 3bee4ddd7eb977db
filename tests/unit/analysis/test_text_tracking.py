"""Texts and their intervals, with a reader that knows what it is shown."""

import numpy as np
import pytest
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings
from functions.analysis.analyzers.text import Line, TextAnalyzer
from functions.analysis.documents import Contents
from functions.videos.domain.results import Box, ModelUsed, ScreenText, Shot, Transition
from tests.support.clips import Picture, frames_of, scene

RATE = 24.0


class ColourReader:
    """Reads a bar of pure red as one text and a bar of pure green as another; `misread` replaces single readings."""

    models: tuple[ModelUsed, ...] = ()

    def __init__(self, misread: dict[int, list[Line]] | None = None) -> None:
        self.reads = 0
        self._misread = misread or {}

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        self.reads += 1
        if self.reads in self._misread:
            return self._misread[self.reads]
        height, width = picture.shape[:2]
        lines = []
        for text, mask in self._bars(picture):
            rows, columns = np.where(mask)
            if rows.size > 50:
                top, bottom, left, right = rows.min(), rows.max() + 1, columns.min(), columns.max() + 1
                box = Box(x=left / width, y=top / height, width=(right - left) / width, height=(bottom - top) / height)
                lines.append(Line(text, 0.99, box))
        return lines

    def read_line(self, picture: NDArray[np.uint8]) -> str:
        return next((text for text, mask in self._bars(picture) if mask.sum() > 50), "")

    @staticmethod
    def _bars(picture: NDArray[np.uint8]) -> list[tuple[str, NDArray[np.bool_]]]:
        blue, green, red = (picture[..., channel].astype(int) for channel in range(3))
        return [
            ("An unlucky bird", (red > 200) & (green < 60) & (blue < 60)),
            ("three rodent pests", (green > 200) & (red < 60) & (blue < 60)),
        ]


def background(frames: int) -> list[Picture]:
    """Moving, and dim enough to hold neither of the reader's colours."""
    return scene(1, frames, pan=1, brightness=0.6)


def with_bar(pictures: list[Picture], colour: tuple[int, int, int], top: int = 80) -> list[Picture]:
    result = []
    for picture in pictures:
        drawn = picture.copy()
        drawn[top : top + 14, 60:260] = colour
        result.append(drawn)
    return result


RED, GREEN = (255, 0, 0), (0, 255, 0)


def texts(pictures: list[Picture], reader: ColourReader | None = None) -> tuple[ScreenText, ...]:
    analyzer = TextAnalyzer(reader or ColourReader(), interval_ms=500, side=960)
    for frame in frames_of(pictures, RATE):
        analyzer.see(frame)
    return analyzer.finish(round(len(pictures) * 1000 / RATE)).texts


@pytest.mark.parametrize("begin", [17, 24, 31])
@pytest.mark.parametrize("end", [64, 71, 80])
def test_an_interval_is_refined_between_the_samples(begin: int, end: int) -> None:
    take = background(120)
    (found,) = texts(take[:begin] + with_bar(take[begin:end], RED) + take[end:])
    assert found.text == "An unlucky bird"
    assert abs(found.start_ms - begin * 1000 / RATE) <= 90
    assert abs(found.end_ms - end * 1000 / RATE) <= 90


def test_a_text_that_is_always_there_lasts_from_the_first_to_the_last_moment() -> None:
    (found,) = texts(with_bar(background(60), RED))
    assert (found.start_ms, found.end_ms) == (0, 2500)


def test_one_text_follows_another_in_the_same_place() -> None:
    take = background(120)
    first, second = texts(with_bar(take[:60], RED) + with_bar(take[60:], GREEN))
    assert (first.text, second.text) == ("An unlucky bird", "three rodent pests")
    assert abs(first.end_ms - 2500) <= 90
    assert abs(second.start_ms - 2500) <= 90


def test_a_text_that_returns_is_told_twice() -> None:
    take = background(144)
    shown = texts(with_bar(take[:36], RED) + take[36:96] + with_bar(take[96:], RED))
    assert [text.text for text in shown] == ["An unlucky bird"] * 2


def test_a_reading_missed_once_does_not_part_a_text() -> None:
    (found,) = texts(with_bar(background(96), RED), ColourReader(misread={4: []}))
    assert (found.start_ms, found.end_ms) == (0, 4000)


def test_the_usual_reading_wins_over_a_misreading() -> None:
    box = Box(x=0.19, y=0.44, width=0.62, height=0.08)
    reader = ColourReader(misread={2: [Line("Anun1ucky birb", 0.9, box)]})
    (found,) = texts(with_bar(background(96), RED), reader)
    assert found.text == "An unlucky bird"


def test_a_texture_read_once_with_a_low_score_is_no_text() -> None:
    box = Box(x=0.7, y=0.1, width=0.1, height=0.05)
    assert texts(background(96), ColourReader(misread={3: [Line("BUNKK", 0.7, box)]})) == ()


def test_lines_under_each_other_are_one_text_in_reading_order() -> None:
    take = background(96)
    both = with_bar(with_bar(take[24:72], RED, top=80), GREEN, top=98)
    (found,) = texts(take[:24] + both + take[72:])
    assert found.text == "An unlucky bird three rodent pests"


def test_a_still_picture_is_read_once() -> None:
    reader = ColourReader()
    texts(with_bar(background(1) * 120, RED), reader)
    assert reader.reads == 1


def test_a_text_on_an_otherwise_still_picture_is_noticed() -> None:
    still = background(1) * 120
    (found,) = texts(still[:50] + with_bar(still[50:], RED))
    assert abs(found.start_ms - 50 * 1000 / RATE) <= 90


def test_a_text_that_comes_or_goes_just_after_a_cut_does_so_with_it() -> None:
    def text(number: int, start_ms: int, end_ms: int) -> ScreenText:
        box = Box(x=0, y=0, width=1, height=0.1)
        return ScreenText(
            segment_id=f"text-{number}", text="Caption", start_ms=start_ms, end_ms=end_ms, confidence=1, box=box
        )

    shots = tuple(
        Shot(
            segment_id=f"shot-{start}",
            start_ms=start,
            end_ms=start + 2000,
            start_frame=0,
            end_frame=1,
            transition=Transition.CUT,
            confidence=1,
            keyframe=None,
        )
        for start in (0, 2000, 4000)
    )
    texts = (text(1, 0, 2083), text(2, 2040, 3990), text(3, 2150, 4150), text(4, 4010, 4090))
    contents = Contents.of([Findings(shots=shots), Findings(texts=texts)], 6000, {"shots", "text"})
    assert contents.texts is not None
    told = [(one.start_ms, one.end_ms) for one in contents.texts.texts]
    assert told == [(0, 2000), (2000, 3990), (2150, 4150), (4010, 4090)]
    assert [shot.text for shot in contents.timeline.shots] == [
        ("text-1",),
        ("text-2", "text-3"),
        ("text-3", "text-4"),
    ]
