import cv2
import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers.sprite import SpriteAnalyzer
from functions.videos.domain.results import SpriteThumbnail
from tests.support.clips import frames_of, plain

RED, BLUE = (250, 0, 0), (0, 0, 250)


def sprite_of(
    colours: list[tuple[int, int, int]], *, rate: float, announced_ms: int
) -> tuple[list[SpriteThumbnail], dict[str, NDArray[np.uint8]]]:
    sheets: dict[str, NDArray[np.uint8]] = {}

    def save(name: str, picture: bytes) -> None:
        sheets[name] = np.asarray(cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_COLOR), dtype=np.uint8)

    analyzer = SpriteAnalyzer(announced_ms, save)
    pictures = [plain(colour, 1)[0] for colour in colours]
    for frame in frames_of(pictures, rate):
        analyzer.see(frame)
    return list(analyzer.finish(round(len(colours) * 1000 / rate)).sprite), sheets


def is_red(picture: NDArray[np.uint8]) -> bool:
    blue, _, red = picture.reshape(-1, 3).mean(axis=0)
    return bool(red > 200 > blue)


def test_each_second_has_its_thumbnail() -> None:
    colours = [RED if number // 10 % 2 else BLUE for number in range(50)]
    thumbnails, sheets = sprite_of(colours, rate=10.0, announced_ms=5_000)
    assert [(one.start_ms, one.end_ms) for one in thumbnails] == [(n * 1000, n * 1000 + 1000) for n in range(5)]
    for number, one in enumerate(thumbnails):
        part = sheets[one.sheet][one.y : one.y + one.height, one.x : one.x + one.width]
        assert part.shape == (90, 160, 3)
        assert is_red(part) == (number % 2 == 1)


def test_a_long_video_has_thumbnails_further_apart_on_several_sheets() -> None:
    thumbnails, sheets = sprite_of([RED] * 3_600, rate=1.0, announced_ms=3_600_000)
    assert 290 <= len(thumbnails) <= 310
    assert len(sheets) == 3 + (len(thumbnails) > 300)
    assert {one.sheet for one in thumbnails} == sheets.keys()
    for one in thumbnails:
        height, width = sheets[one.sheet].shape[:2]
        assert one.x + one.width <= width
        assert one.y + one.height <= height


def test_a_gap_in_the_video_is_covered_by_what_was_seen_last() -> None:
    thumbnails, _ = sprite_of([RED, BLUE], rate=0.1, announced_ms=20_000)
    assert [(one.start_ms, one.end_ms) for one in thumbnails] == [(0, 10_000), (10_000, 20_000)]
