"""Captions as FFmpeg, and so most players, read them."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.analysis.captions import cues, srt, thumbnails, vtt
from functions.videos.domain.results import SpeechSegment, SpriteThumbnail

LONG = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness, "
    "it was the epoch of belief, it was the epoch of incredulity, it was the season of Light."
)


def said(start_ms: int, end_ms: int, text: str) -> SpeechSegment:
    return SpeechSegment(segment_id="speech-0001", start_ms=start_ms, end_ms=end_ms, text=text, confidence=0.9)


def read(path: Path, content: str) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds and the text of each cue, as a player finds them."""
    path.write_text(content, encoding="utf-8")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
        return [
            (packet.pts or 0, (packet.pts or 0) + (packet.duration or 0), bytes(packet).decode()) for packet in packets
        ]


@pytest.mark.parametrize(("write", "name"), [(srt, "a.srt"), (vtt, "a.vtt")])
def test_players_find_each_sentence_at_its_time(tmp_path: Path, write: object, name: str) -> None:
    segments = [
        said(0, 1_500, "Hello there."),
        said(3_599_500, 3_601_250, "An hour later."),
        said(7_200_000, 7_201_000, "Ende."),
    ]
    content = srt(segments) if write is srt else vtt(segments)
    assert read(tmp_path / name, content) == [
        (0, 1_500, "Hello there."),
        (3_599_500, 3_601_250, "An hour later."),
        (7_200_000, 7_201_000, "Ende."),
    ]


@pytest.mark.parametrize("name", ["a.srt", "a.vtt"])
def test_long_sentences_are_shown_piece_by_piece_in_their_time(tmp_path: Path, name: str) -> None:
    segments = [said(1_000, 13_000, LONG)]
    shown = read(tmp_path / name, srt(segments) if name.endswith("srt") else vtt(segments))
    assert len(shown) > 2
    assert " ".join(" ".join(text.split()) for _, _, text in shown) == LONG
    assert all(len(line) <= 42 for _, _, text in shown for line in text.splitlines())
    assert all(text.count("\n") <= 1 for _, _, text in shown)
    assert (shown[0][0], shown[-1][1]) == (1_000, 13_000)
    assert all(earlier[1] == later[0] for earlier, later in itertools.pairwise(shown))


def test_what_looks_like_markup_or_a_time_is_shown_as_it_is_said(tmp_path: Path) -> None:
    segments = [said(0, 1_000, "a < b && c > d --> <i>e</i>\n\nNOTE f")]
    ((_, _, text),) = read(tmp_path / "a.vtt", vtt(segments))
    assert text.replace("\n", " ") == "a &lt; b &amp;&amp; c &gt; d --&gt; &lt;i&gt;e&lt;/i&gt; NOTE f"
    ((_, _, text),) = read(tmp_path / "a.srt", srt(segments))
    assert "-->" not in text


def test_nothing_said_is_an_empty_file_that_players_accept(tmp_path: Path) -> None:
    assert srt([]) == ""
    assert vtt([]) == "WEBVTT\n"
    assert list(cues([said(0, 1_000, "   ")])) == []


@given(st.lists(st.tuples(st.integers(0, 10**7), st.integers(0, 20_000), st.text(max_size=300)), max_size=8))
def test_no_two_cues_are_shown_at_once(spoken: Sequence[tuple[int, int, str]]) -> None:
    segments = [said(start, start + length, text) for start, length, text in sorted(spoken)]
    shown = list(cues(segments))
    assert all(cue.start_ms < cue.end_ms for cue in shown)
    assert all(earlier.end_ms <= later.start_ms for earlier, later in itertools.pairwise(shown))
    assert all(1 <= len(cue.lines) <= 2 and all(0 < len(line) <= 42 for line in cue.lines) for cue in shown)


def test_thumbnails_are_parts_of_their_sheets(tmp_path: Path) -> None:
    one = SpriteThumbnail(sheet="sprites/sheet-001.jpg", start_ms=0, end_ms=1_000, x=0, y=0, width=160, height=90)
    two = one.model_copy(update={"start_ms": 1_000, "end_ms": 2_500, "x": 160})
    assert read(tmp_path / "a.vtt", thumbnails([one, two])) == [
        (0, 1_000, "sprites/sheet-001.jpg#xywh=0,0,160,90"),
        (1_000, 2_500, "sprites/sheet-001.jpg#xywh=160,0,160,90"),
    ]
