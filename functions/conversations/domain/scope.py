"""Which of the videos of a conversation is asked about: "in the second video"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_ORDINALS = {"first": 0, "1st": 0, "second": 1, "2nd": 1, "third": 2, "3rd": 2, "fourth": 3, "4th": 3, "fifth": 4}
_WHICH_VIDEO = re.compile(
    rf"\s*\b(?:(?:in|from|of|about|during|does|is|with)\s+)?(?:the\s+)?"
    rf"(?:({'|'.join(_ORDINALS)}|last|other)\s+(?:video|clip|film|movie|recording|episode|part|one(?=\W*$))"
    r"|(?:video|clip|part|episode)\s+(?:number\s+)?(\d))\b",
    re.IGNORECASE,
)


def named_video(question: str, videos: Sequence[str], cited: Sequence[str]) -> tuple[str, str | None] | None:
    """The question without its naming of a video, and the video named: `None` of those that there aren't.

    `cited` are the videos that the answer before was from; "the other" is one of the rest. `None` for a question that
    names no video.
    """
    match = _WHICH_VIDEO.search(question)
    if match is None or len(videos) < 2:
        return None
    rest = question[: match.start()] + question[match.end() :]
    word = (match.group(1) or "").lower()
    if word == "other":
        others = [video for video in videos if video not in cited]
        return rest, others[0] if len(others) == 1 else None
    index = len(videos) - 1 if word == "last" else _ORDINALS.get(word, int(match.group(2) or 1) - 1)
    return rest, videos[index] if index < len(videos) else None
