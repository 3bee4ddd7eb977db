"""Questions about music and singing, in a video where somebody also talks about music."""

from collections.abc import Sequence

import pytest

from functions.conversations.domain.answering import UNKNOWN, Answer, EvidenceMoment, Turn
from functions.conversations.domain.extractive import ExtractiveEngine


def moment(segment_id: str, kind: str, start_ms: int, end_ms: int, text: str) -> EvidenceMoment:
    return EvidenceMoment("concert", segment_id, kind, start_ms, end_ms, text, 0.5)


SPEECH = (
    moment("speech-1", "speech", 12_000, 16_000, "Good evening, and welcome to the harbour."),
    moment("speech-2", "speech", 41_000, 45_000, "My grandmother taught music in Bergen."),
)
MUSIC = (
    moment("sound-1", "sound", 0, 11_500, "music"),
    moment("sound-3", "sound", 50_000, 80_000, "music"),
)
SINGING = moment("sound-4", "sound", 55_000, 70_000, "singing")
CONCERT = (*SPEECH, *MUSIC, SINGING)


def ask(question: str, moments: Sequence[EvidenceMoment] = CONCERT, history: Sequence[Turn] = ()) -> Answer:
    return ExtractiveEngine().answer(question, history, moments)


def cited(answer: Answer) -> list[str]:
    return [one.segment_id for one in answer.citations]


@pytest.mark.parametrize(
    "question",
    [
        "Is there music in this video?",
        "Where is there music?",
        "When does the music start?",
        "At what time does the melody begin?",
        "Does the video have background music?",
        "When can I hear music?",
    ],
)
def test_when_and_whether_there_is_music_is_answered_by_where_it_plays(question: str) -> None:
    answer = ask(question)
    assert cited(answer) == ["sound-1", "sound-3"]
    assert "0:00–0:11" in answer.text
    assert "0:50–1:20" in answer.text


@pytest.mark.parametrize("question", ["When does somebody sing?", "Is there any singing?", "Does anyone sing a song?"])
def test_singing_is_not_any_music(question: str) -> None:
    assert cited(ask(question)) == ["sound-4"]
    assert ask(question, (*SPEECH, *MUSIC)) == UNKNOWN


def test_how_long_there_is_music_is_all_of_it_together() -> None:
    answer = ask("How long does the music play?")
    assert answer.text.startswith("For 41.5 seconds")
    assert cited(answer) == ["sound-1", "sound-3"]


@pytest.mark.parametrize(
    "question",
    ["Who composed the music?", "Which song is played?", "Is there a piano in the music?", "Who is singing?"],
)
def test_that_there_is_music_tells_nothing_else_about_it(question: str) -> None:
    assert ask(question) == UNKNOWN


@pytest.mark.parametrize("question", ["When do they talk about music?", "Who taught music?"])
def test_what_is_said_of_music_is_answered_by_what_is_said(question: str) -> None:
    assert cited(ask(question)) == ["speech-2"]


def test_the_same_may_be_asked_of_singing() -> None:
    first = ask("Is there music?")
    assert cited(ask("And singing?", history=[Turn("Is there music?", first.text, first.citations)])) == ["sound-4"]


def test_what_is_said_after_the_music_follows_its_citation() -> None:
    first = ask("When does the music start?", (*SPEECH, MUSIC[0]))
    after = ask("What is said after that?", history=[Turn("When does the music start?", first.text, first.citations)])
    assert cited(after) == ["speech-1"]


def test_an_overview_is_made_of_words() -> None:
    assert cited(ask("What is the video about?")) == ["speech-1", "speech-2"]
