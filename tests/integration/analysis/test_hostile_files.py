"""Whatever is uploaded, the worker ends with results or a reason, in bounded time and memory, and lives on."""

import json
import subprocess
import sys
from typing import Any

from functions.analysis.failures import FailureReason

OUTCOMES = {"completed", *FailureReason}


def fuzz(*options: str) -> list[dict[str, Any]]:
    """One process takes all files, so one that brings it down is missing with all that follow."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.support.fuzzing", *options],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert done.returncode == 0, (done.returncode, told[-1:], done.stderr[-2000:])
    return told


def test_damaged_clips_end_with_results_or_a_reason() -> None:
    told = fuzz("--mutations", "30", "--seed", "1", "--kinds")
    assert len(told) == 30
    assert {one["outcome"] for one in told} <= OUTCOMES
    assert FailureReason.ANALYZER_FAILED not in {one["outcome"] for one in told}
    # They aren't all refused at the door: what can be analysed is.
    assert sum(one["outcome"] == "completed" for one in told) >= 5


def test_files_made_to_break_their_reader_end_with_results_or_a_reason() -> None:
    told = {one["file"]: one["outcome"] for one in fuzz("--mutations", "0", "--kinds", "hostile")}
    assert len(told) == 8
    assert set(told.values()) <= OUTCOMES
    assert told["absurd-dimensions.mov"] == FailureReason.PICTURE_TOO_LARGE
    assert told["dimensions-that-grow.mov"] in (FailureReason.PICTURE_TOO_LARGE, FailureReason.CORRUPT)
    assert told["no-frame-rate.avi"] == "completed"
    assert told["a-thousand-streams.mkv"] == "completed"
    assert told["an-hour-of-nothing.mp4"] == FailureReason.DEADLINE_EXCEEDED


def test_unusual_videos_are_analysed() -> None:
    told = {one["file"]: one["outcome"] for one in fuzz("--mutations", "0", "--kinds", "unusual")}
    assert len(told) > 20
    assert {name: outcome for name, outcome in told.items() if outcome != "completed"} == {}


def test_what_is_no_video_ends_with_its_reason() -> None:
    told = {one["file"]: one["outcome"] for one in fuzz("--mutations", "0", "--kinds", "no-videos")}
    assert told == {
        "sound-alone.mp4": FailureReason.NO_VIDEO_STREAM,
        "a-picture.mp4": FailureReason.NOT_A_VIDEO,
        "half-an-index.mp4": FailureReason.TRUNCATED_VIDEO,
    }
