"""On-screen text, each with the interval in which it can be read.

Frames are sampled a few times a second and read where the picture changed. A text that came or went between two
samples is then looked for in the frames between them, in its own place only.
"""

import difflib
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from functions.analysis.analyzers import Findings, Resumable, Watcher
from functions.analysis.analyzers.tracking import overlap as box_overlap
from functions.analysis.frames import THUMBNAIL_HEIGHT, Frame
from functions.videos.domain.results import Box, ModelUsed, ScreenText

# The spacing of the frames that are kept between two samples, and so the precision of a text's interval.
_REFINED_MS = 80
TEXT_LATE_MS = 100
"""How late the ends of a text may be told: by that spacing, and the time of a frame or two."""
# A part of the picture (a sixteenth of its width) has changed when its mean brightness per pixel moved by more; grain
# and compression stay below half of it, the thinnest readable line of text moves it several times as far.
_CHANGED = 2.5
# Every refined end costs a few readings; where a whole page comes at once, its lines share the middle of the gap.
_REFINED_AT_ONCE = 6

# Readings of one line differ by a character or two, and by more while it fades.
_SAME_TEXT = 0.6
_SURELY_SAME_TEXT = 0.8
# Textures are misread as short words, with low scores, and not twice the same.
_CONVINCING_SCORE = 0.85
_STEADY_SCORE = 0.75
_STEADY_SAMPLES = 3
# Lines of one block come and go together, up to the precision of both their ends.
_TOGETHER_MS = 500


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    score: float
    box: Box


class TextReader(Protocol):
    @property
    def models(self) -> tuple[ModelUsed, ...]: ...

    def read(self, picture: NDArray[np.uint8]) -> list[Line]:
        """The lines of text in a BGR picture."""
        ...

    def read_line(self, picture: NDArray[np.uint8]) -> str:
        """The text of a picture that holds one line and nothing else."""
        ...


@dataclass(slots=True)
class _Track:
    """One line of text over time."""

    line: Line
    start_ms: int
    end_ms: int
    samples: int = 1
    missed: bool = False
    readings: dict[str, float] = field(default_factory=dict)

    def see(self, line: Line) -> None:
        self.line = line
        self.samples += 1
        self.missed = False
        self.vote()

    def vote(self) -> None:
        self.readings[self.line.text] = self.readings.get(self.line.text, 0.0) + self.line.score

    @property
    def text(self) -> str:
        return max(self.readings, key=lambda reading: self.readings[reading])

    @property
    def confidence(self) -> float:
        return sum(self.readings.values()) / self.samples

    def convinces(self) -> bool:
        # A lone character is nothing to search for, and what shapes are most often misread as.
        if len(_letters(self.text)) < 2:
            return False
        if self.confidence >= _CONVINCING_SCORE:
            return True
        return self.confidence >= _STEADY_SCORE and self.samples >= _STEADY_SAMPLES


class TextAnalyzer(Watcher, Resumable):
    """`interval_ms` is the time between samples, `side` the longer side of the pictures that are read."""

    name = "text"
    features = frozenset({"text"})
    slow = True
    lent = frozenset({"_reader"})

    def __init__(self, reader: TextReader, interval_ms: int, side: int) -> None:
        self._reader = reader
        self._interval_ms = interval_ms
        self._side = side
        self._between: list[Frame] = []
        self._next_sample_ms = 0
        self._last: Frame | None = None
        self._read_thumbnail: NDArray[np.uint8] | None = None
        self._lines: list[Line] = []
        self._tracks: list[_Track] = []
        self._ended: list[_Track] = []

    @property
    def models(self) -> tuple[ModelUsed, ...]:
        return self._reader.models

    def see(self, frame: Frame) -> None:
        self._last = frame
        if frame.start_ms < self._next_sample_ms:
            if not self._between or frame.start_ms - self._between[-1].start_ms >= _REFINED_MS:
                self._between.append(frame)
            return
        self._next_sample_ms = frame.start_ms + self._interval_ms
        self._sample(frame)
        self._between.clear()

    def finish(self, duration_ms: int) -> Findings:
        if self._last is not None and self._between:
            # The frames after the last sample: what is still there lasts to the end.
            self._sample(self._last)
        for track in self._tracks:
            if not track.missed:
                track.end_ms = duration_ms
            self._end(track)
        blocks = _join_lines(sorted(self._ended, key=lambda track: (track.start_ms, track.line.box.y)))
        return Findings(texts=tuple(_screen_text(number, block) for number, block in enumerate(blocks, start=1)))

    def _sample(self, frame: Frame) -> None:
        if self._read_thumbnail is None or _changed(self._read_thumbnail, frame.thumbnail):
            self._lines = self._reader.read(frame.picture(self._side))
            self._read_thumbnail = frame.thumbnail
        appeared, vanished = self._match(self._lines)
        for position, line in enumerate(appeared):
            start_ms = self._appearance(line, frame) if position < _REFINED_AT_ONCE else self._middle(frame)
            track = _Track(line, start_ms, frame.start_ms)
            track.vote()
            self._tracks.append(track)
        for position, track in enumerate(vanished):
            if track.missed:
                # Missed once may be the reader's fault; twice, the text is gone since the first time.
                self._tracks.remove(track)
                self._end(track)
            else:
                track.missed = True
                within = position < _REFINED_AT_ONCE
                track.end_ms = self._disappearance(track.line, frame) if within else self._middle(frame)

    def _match(self, lines: list[Line]) -> tuple[list[Line], list[_Track]]:
        """Continues the tracks of the lines that are still there; the lines that are new and the tracks without one."""
        candidates = sorted(
            (
                (_affinity(track.line, line), row, column)
                for row, track in enumerate(self._tracks)
                for column, line in enumerate(lines)
            ),
            reverse=True,
        )
        rows: set[int] = set()
        columns: set[int] = set()
        for affinity, row, column in candidates:
            if affinity <= 0:
                break
            if row not in rows and column not in columns:
                rows.add(row)
                columns.add(column)
                self._tracks[row].see(lines[column])
        appeared = [line for column, line in enumerate(lines) if column not in columns]
        vanished = [track for row, track in enumerate(self._tracks) if row not in rows]
        return appeared, vanished

    def _end(self, track: _Track) -> None:
        if track.convinces() and track.end_ms > track.start_ms:
            self._ended.append(track)

    def _appearance(self, line: Line, frame: Frame) -> int:
        """Bisects the frames since the last sample for the first in which the line can be read."""
        absent, present = -1, len(self._between)
        while present - absent > 1:
            middle = (absent + present) // 2
            if self._is_readable(line, self._between[middle]):
                present = middle
            else:
                absent = middle
        return self._between[present].start_ms if present < len(self._between) else frame.start_ms

    def _disappearance(self, line: Line, frame: Frame) -> int:
        present, absent = -1, len(self._between)
        while absent - present > 1:
            middle = (absent + present) // 2
            if self._is_readable(line, self._between[middle]):
                present = middle
            else:
                absent = middle
        return self._between[absent].start_ms if absent < len(self._between) else frame.start_ms

    def _middle(self, frame: Frame) -> int:
        return (self._between[0].start_ms + frame.start_ms) // 2 if self._between else frame.start_ms

    def _is_readable(self, line: Line, frame: Frame) -> bool:
        picture = frame.picture(self._side)
        height, width = picture.shape[:2]
        margin = line.box.height / 4
        top, bottom = (line.box.y - margin) * height, (line.box.y + line.box.height + margin) * height
        left = line.box.x * width - margin * height
        right = (line.box.x + line.box.width) * width + margin * height
        crop = picture[max(0, int(top)) : int(bottom) + 1, max(0, int(left)) : int(right) + 1]
        return _likeness(self._reader.read_line(np.ascontiguousarray(crop)), line.text) >= _SAME_TEXT


def _changed(old: NDArray[np.uint8], new: NDArray[np.uint8]) -> bool:
    gap = np.abs(old[:THUMBNAIL_HEIGHT].astype(np.int16) - new[:THUMBNAIL_HEIGHT])
    side = 8
    blocks = gap.reshape(gap.shape[0] // side, side, gap.shape[1] // side, side).mean(axis=(1, 3))
    return bool(blocks.max() > _CHANGED)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _likeness(one: str, other: str) -> float:
    one, other = _letters(one) or one, _letters(other) or other
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _affinity(seen: Line, now: Line) -> float:
    """How surely two lines of neighbouring samples are the same text; 0 where they aren't."""
    overlap = box_overlap(seen.box, now.box)
    likeness = _likeness(seen.text, now.text)
    if likeness >= (_SAME_TEXT if overlap > 0 else _SURELY_SAME_TEXT):
        return likeness + overlap
    return 0.0


def _join_lines(tracks: list[_Track]) -> list[list[_Track]]:
    """Lines that stand under each other and come and go together are one text."""
    blocks: list[list[_Track]] = []
    for track in tracks:
        for block in reversed(blocks):
            if track.start_ms - block[0].start_ms > _TOGETHER_MS:
                continue
            if _continues(block[-1], track):
                block.append(track)
                break
        else:
            blocks.append([track])
    return blocks


def _continues(above: _Track, below: _Track) -> bool:
    one, other = above.line.box, below.line.box
    if max(abs(above.start_ms - below.start_ms), abs(above.end_ms - below.end_ms)) > _TOGETHER_MS:
        return False
    heights = sorted((one.height, other.height))
    gap = other.y - (one.y + one.height)
    side_by_side = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    return (
        heights[1] < 2 * heights[0]
        and -heights[0] / 2 < gap < heights[0]
        and side_by_side > 0.3 * min(one.width, other.width)
    )


def _screen_text(number: int, block: list[_Track]) -> ScreenText:
    boxes = [track.line.box for track in block]
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.x + box.width for box in boxes), max(box.y + box.height for box in boxes)
    return ScreenText(
        segment_id=f"text-{number:04}",
        text=" ".join(track.text for track in block),
        start_ms=min(track.start_ms for track in block),
        end_ms=max(track.end_ms for track in block),
        confidence=round(min(1.0, sum(track.confidence for track in block) / len(block)), 3),
        box=Box(
            x=left,
            y=top,
            width=min(1.0, round(right - left, 4)),
            height=min(1.0, round(bottom - top, 4)),
        ),
    )
