"""What the demo's own video is known to hold, and whether an analysis found it."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Segment = Mapping[str, Any]
"""With `start_ms`, `end_ms` and, of a text, `text`, as the API shows it."""

# Between which times a caption can be made out, read off single frames (they are faded in and out).
CAPTIONS = (
    ("An unlucky bird", 10_100, 13_900),
    ("A (slightly overweight) bunny", 16_100, 22_900),
    ("And three rodent pests", 32_100, 35_800),
    ("Revenge is coming…", 47_200, 51_300),
)
CAPTION_TOLERANCE_MS = 500
# The frames that hard cuts lead to.
CUTS = (593, 864, 900, 988, 1049)
CUT_TOLERANCE_FRAMES = 3
BIRD_QUESTION = "When does it say an unlucky bird?"
BIRD_MS = (10_000, 14_000)
# Of the words read aloud, what share must have been heard in their order.
HEARD = 0.9
READING_QUESTION = "What did we all go direct to?"
READING_ANSWER = "heaven"


@dataclass(frozen=True, slots=True)
class Check:
    held: bool
    what: str


def check_captions(texts: Sequence[Segment]) -> Iterator[Check]:
    for caption, start_ms, end_ms in CAPTIONS:
        found = [text for text in texts if letters(text["text"]) == letters(caption)]
        earliest, latest = start_ms - CAPTION_TOLERANCE_MS, end_ms + CAPTION_TOLERANCE_MS
        inside = any(earliest <= text["start_ms"] < text["end_ms"] <= latest for text in found)
        where = " and ".join(span(text) for text in found) or "nowhere"
        yield Check(inside, f"“{caption}” is shown within {clock(start_ms)}–{clock(end_ms)}: found {where}")


def check_cuts(shots: Sequence[Segment], frame_rate: float) -> Iterator[Check]:
    starts = [round(shot["start_ms"] * frame_rate / 1000) for shot in shots]
    for cut in CUTS:
        nearest = min(starts, key=lambda frame: abs(frame - cut), default=0)
        yield Check(abs(nearest - cut) <= CUT_TOLERANCE_FRAMES, f"the cut at frame {cut}: found at {nearest}")


def check_bird(citations: Sequence[Segment]) -> Check:
    """Whether the answer to `BIRD_QUESTION` cites the moment."""
    earliest, latest = BIRD_MS
    cited = any(earliest <= citation["start_ms"] < citation["end_ms"] <= latest for citation in citations)
    return Check(cited, f"the bird is cited within {clock(earliest)}–{clock(latest)}")


def check_reading(speech: Sequence[Segment], read: str) -> Check:
    heard, words = _words(" ".join(segment["text"] for segment in speech)), _words(read)
    matched = sum(
        block.size for block in difflib.SequenceMatcher(None, words, heard, autojunk=False).get_matching_blocks()
    )
    return Check(
        matched >= HEARD * len(words), f"the reading is heard: {matched} of {len(words)} words, in their order"
    )


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.casefold())


def clock(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    seconds = f"{minutes:02}:{rest / 1000:04.1f}"
    return f"{hours}:{seconds}" if hours else seconds


def span(segment: Segment) -> str:
    return f"{clock(segment['start_ms'])}–{clock(segment['end_ms'])}"


def letters(text: str) -> str:
    """Without case, spaces and punctuation, on which readers of pictures differ."""
    return re.sub(r"\W", "", text.casefold())
