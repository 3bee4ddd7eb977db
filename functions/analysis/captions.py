"""What players show: speech as captions in SubRip (SRT) and WebVTT (W3C), thumbnails as cues of WebVTT."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape

from functions.videos.domain.results import SpeechSegment, SpriteThumbnail

# What subtitling guides agree on: two lines of 42 characters are read at a glance.
_LINE_CHARACTERS = 42
_LINES = 2


@dataclass(frozen=True, slots=True)
class Cue:
    start_ms: int
    end_ms: int
    lines: tuple[str, ...]


def srt(segments: Iterable[SpeechSegment]) -> str:
    """SubRip: numbered cues. It has no way to escape, so the one sequence that would be read as a time is replaced."""
    return "".join(
        f"{number}\n{_time(cue.start_ms, ',')} --> {_time(cue.end_ms, ',')}\n{_text(cue).replace('-->', '→')}\n\n"
        for number, cue in enumerate(cues(segments), start=1)
    )


def vtt(segments: Iterable[SpeechSegment]) -> str:
    return "WEBVTT\n" + "".join(
        f"\n{_time(cue.start_ms, '.')} --> {_time(cue.end_ms, '.')}\n{escape(_text(cue), quote=False)}\n"
        for cue in cues(segments)
    )


def cues(segments: Iterable[SpeechSegment]) -> Iterator[Cue]:
    """One or more cues a segment, in order and never two at a time; each part is shown for its share of the letters."""
    shown_until = 0
    for segment in segments:
        start, parts = max(segment.start_ms, shown_until), _parts(segment.text)
        if not parts or segment.end_ms <= start:
            continue
        letters = [sum(map(len, part)) for part in parts]
        said = 0
        for part, length in zip(parts, letters, strict=True):
            begins = start + (segment.end_ms - start) * said // sum(letters)
            said += length
            ends = start + (segment.end_ms - start) * said // sum(letters)
            if ends > begins:
                yield Cue(begins, ends, part)
        shown_until = segment.end_ms


def _parts(text: str) -> list[tuple[str, ...]]:
    lines: Sequence[str] = textwrap.wrap(" ".join(text.split()), _LINE_CHARACTERS)
    return [tuple(lines[first : first + _LINES]) for first in range(0, len(lines), _LINES)]


def _text(cue: Cue) -> str:
    return "\n".join(cue.lines)


def _time(milliseconds: int, mark: str) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}{mark}{rest:03}"


def thumbnails(sprite: Iterable[SpriteThumbnail]) -> str:
    """WebVTT whose cues name parts of the sheets, as media fragments relative to the file itself."""
    return "WEBVTT\n" + "".join(
        f"\n{_time(one.start_ms, '.')} --> {_time(one.end_ms, '.')}\n"
        f"{one.sheet}#xywh={one.x},{one.y},{one.width},{one.height}\n"
        for one in sprite
    )
