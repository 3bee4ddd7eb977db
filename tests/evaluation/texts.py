"""On-screen text: how many of its letters are right, and how well it is placed in time."""

import re
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from functions.videos.domain.results import ScreenText
from tests.evaluation.bars import Bar, ceiling, share
from tests.evaluation.collection import COLLECTION
from tests.evaluation.library import SHOTS_ALONE, Library
from tests.evaluation.truth import CaptionTruth
from tests.evaluation.words import distance

ACCURACY = 0.95
INTERVAL_ERROR_MS = 500
# Below this a text isn't a reading of the caption at all.
RECOGNISABLE = 0.5


@dataclass(frozen=True, slots=True)
class Reading:
    caption: CaptionTruth
    accuracy: float
    found: str
    error_ms: int | None
    """The larger one of start and end; None where the caption wasn't found."""


def read(caption: CaptionTruth, texts: Sequence[ScreenText]) -> Reading:
    """The best reading among the texts of its time, a caption of several lines being several texts or one."""
    near = [text for text in texts if text.start_ms < caption.end_ms and caption.start_ms < text.end_ms]
    lines = sorted(near, key=lambda text: text.box.y)
    together = [lines[first:last] for first in range(len(lines)) for last in range(first + 1, len(lines) + 1)]
    best = max(together, key=lambda some: accuracy(caption, some), default=[])
    if not best or accuracy(caption, best) < RECOGNISABLE:
        return Reading(caption, 0.0, "", None)
    start_ms, end_ms = min(one.start_ms for one in best), max(one.end_ms for one in best)
    error_ms = max(abs(start_ms - caption.start_ms), abs(end_ms - caption.end_ms))
    return Reading(caption, accuracy(caption, best), " ".join(one.text for one in best), error_ms)


def accuracy(caption: CaptionTruth, texts: Sequence[ScreenText]) -> float:
    wanted = characters(caption.text)
    return max(0.0, 1 - distance(characters(" ".join(text.text for text in texts)), wanted) / len(wanted))


def characters(text: str) -> str:
    """Without case and spaces, and with one form of dashes and dots, in which typefaces don't differ."""
    return re.sub(r"\s+", "", text).casefold().replace("…", "...").replace("–", "-")


def evaluate(library: Library) -> list[Bar]:
    screen = library.screen
    screen.heading("Text on screen")
    readings: dict[str, list[Reading]] = {}
    invented: list[str] = []
    for name in COLLECTION:
        captions = library.clip(name).truth.captions
        if name in SHOTS_ALONE or captions is None:
            continue
        texts = library.analysed(name).texts.texts
        readings[name] = [read(caption, texts) for caption in captions]
        if name != "trailer":  # which shows more than its four captions
            known = characters(" ".join(caption.text for caption in captions))
            invented += [text.text for text in texts if characters(text.text) not in known]
    every = [reading for some in readings.values() for reading in some]
    rows = [("clip", "captions", "accuracy", "error ms")]
    for name, some in readings.items():
        if some:
            errors = [reading.error_ms for reading in some if reading.error_ms is not None]
            placed = f"{statistics.mean(errors):.0f}" if errors else "–"
            rows.append((name, str(len(some)), f"{statistics.mean(one.accuracy for one in some):.3f}", placed))
    screen.table(rows, right=(1, 2, 3), header=True)
    for reading in every:
        if reading.accuracy < 1:
            screen.line(f"  “{reading.caption.text}” ({reading.caption.style}) was read as “{reading.found}”")
    screen.line(f"  read in other ways, or where nothing is written: {len(invented)}: {', '.join(invented[:12])}")
    return bars(every, readings.get("trailer", []))


def bars(readings: Sequence[Reading], trailer: Sequence[Reading]) -> list[Bar]:
    letters = sum(len(characters(one.caption.text)) for one in readings)
    right = sum(one.accuracy * len(characters(one.caption.text)) for one in readings)
    errors = [one.error_ms for one in readings if one.error_ms is not None]
    placed = sum(one.error_ms is not None and one.error_ms <= INTERVAL_ERROR_MS for one in readings)
    known = sum(
        one.accuracy > 0.9 and one.error_ms is not None and one.error_ms <= INTERVAL_ERROR_MS for one in trailer
    )
    return [
        Bar("text, share of the characters read right", share(right, letters), ACCURACY),
        Bar("text, captions placed within half a second", share(placed, len(readings)), 0.9),
        ceiling("text, median error of start or end", statistics.median(errors or [1e6]), INTERVAL_ERROR_MS, " ms"),
        Bar("text, captions of the trailer, placed within ±0.5 s", known, len(trailer)),
    ]
