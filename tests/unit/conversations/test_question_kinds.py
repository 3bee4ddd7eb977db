"""What people ask besides facts: by place in the video, by number, of several videos, and with a look back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from functions.conversations.domain.answering import UNKNOWN, Answer, EvidenceMoment, Turn
from functions.conversations.domain.extractive import ExtractiveEngine

if TYPE_CHECKING:
    from collections.abc import Sequence

FARM = "farm"
HARBOUR = "harbour"


def moment(number: int, text: str, kind: str = "speech", video_id: str = FARM) -> EvidenceMoment:
    start = number * 10_000
    return EvidenceMoment(video_id, f"{kind}-{number}", kind, start, start + 4_500, text, 0.5)


SPEECH = (
    moment(0, "Good morning from the valley."),
    moment(1, "The tractor pulls the plough across the field."),
    moment(2, "Goats are fed with clover."),
    moment(3, "After the storm the fence was mended."),
    moment(4, "We sell two kinds of cheese and nine litres of milk."),
    moment(5, "Goats climb trees, believe it or not."),
    moment(6, "That was our day, see you soon."),
)
CAPTIONS = (moment(1, "Ploughing", "text"), moment(3, "Repairs", "text"), moment(6, "The end", "text"))
THINGS = (
    moment(1, "a truck", "object"),
    moment(2, "2 sheep", "object"),
    moment(4, "5 sheep", "object"),
    moment(2, "a person", "people"),
    moment(5, "3 people", "people"),
)
VIDEO = (*SPEECH, *CAPTIONS)
BOATS = (
    moment(0, "Good evening from the pier.", video_id=HARBOUR),
    moment(1, "The crane lifts nine litres of paint onto the deck.", video_id=HARBOUR),
    moment(2, "Fishermen sell herring and cheese at the market.", video_id=HARBOUR),
)
BOTH = (*VIDEO, *BOATS)


def ask(question: str, moments: Sequence[EvidenceMoment] = VIDEO, history: Sequence[Turn] = ()) -> Answer:
    return ExtractiveEngine().answer(question, history, moments, (FARM, HARBOUR) if moments is BOTH else (FARM,))


def cited(answer: Answer) -> list[str]:
    return [one.segment_id for one in answer.citations]


def after(question: str, moments: Sequence[EvidenceMoment] = VIDEO) -> list[Turn]:
    answer = ask(question, moments)
    assert answer.grounded
    return [Turn(question, answer.text, answer.citations)]


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("What is the first thing said?", "speech-0"),
        ("How does the video start?", "speech-0"),
        ("What is the last caption?", "text-6"),
        ("Which text appears first?", "text-1"),
        ("How does it end?", "speech-6"),
        ("What is said after the goats are fed?", "speech-3"),
        ("What is said right before the tractor is mentioned?", "speech-0"),
        ("Which caption comes after Repairs?", "text-6"),
        ("What follows the clover?", "speech-3"),
        ("What happened after the storm?", "speech-3"),
        ("What is said at 0:41?", "speech-4"),
        ("What is said between 0:20 and 0:25?", "speech-2"),
        ("What is said in the first 5 seconds?", "speech-0"),
        ("What is written in the last 5 seconds?", "text-6"),
        ("Where in the video is clover?", "speech-2"),
    ],
)
def test_a_place_in_the_video_is_answered_by_what_is_there(question: str, found: str) -> None:
    assert found in cited(ask(question))
    assert len(cited(ask(question))) <= 2


@pytest.mark.parametrize(
    "question",
    [
        "What is said after the dinosaurs are fed?",
        "What comes before the first thing said?",
        "What is said at 59:00?",
        "What is said after the goodbye kiss?",
        "And after that?",
    ],
)
def test_a_place_that_there_is_not_is_not_known(question: str) -> None:
    assert ask(question) == UNKNOWN


def test_nothing_comes_after_the_end() -> None:
    assert ask("And after that?", history=after("How does the video end?")) == UNKNOWN


@pytest.mark.parametrize("question", ["And after that?", "What comes next?", "What is said then?", "And then?"])
def test_what_comes_next_is_what_comes_after_the_last_citation(question: str) -> None:
    assert cited(ask(question, history=after("What are goats fed with?"))) == ["speech-3"]


def test_what_came_before_is_what_comes_before_the_last_citation() -> None:
    assert cited(ask("And before that?", history=after("What are goats fed with?"))) == ["speech-1"]


def test_the_same_may_be_asked_of_something_else() -> None:
    history = after("How much milk do they sell?")
    assert cited(ask("What about cheese?", history=history)) == ["speech-4"]
    assert ask("What about butter?", history=history) == UNKNOWN


def test_mentions_are_counted() -> None:
    answer = ask("How many times are goats mentioned?")
    assert answer.text.startswith("2 times. ")
    assert cited(answer) == ["speech-2", "speech-5"]
    assert ask("How often is clover mentioned?").text.startswith("Once. ")
    assert ask("How many times are camels mentioned?") == UNKNOWN


def test_how_long_something_is_shown_is_how_long_its_moment_is() -> None:
    answer = ask('How long is "Repairs" on screen?')
    assert answer.text.startswith("For 4.5 seconds (0:30–0:34)")
    assert cited(answer) == ["text-3"]


SEEN = (*VIDEO, *THINGS)


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("Is there a truck?", "object-1"),
        ("Is there a vehicle?", "object-1"),
        ("When does a truck appear?", "object-1"),
        ("How many sheep are there?", "object-4"),
        ("How many people can be seen?", "people-5"),
    ],
)
def test_things_are_evidence_as_words_are(question: str, found: str) -> None:
    assert found in cited(ask(question, SEEN))


def test_as_many_are_told_as_are_seen_at_once() -> None:
    assert ask("How many sheep are visible?", SEEN).text.startswith("At most 5 at a time: “5 sheep”")


def test_what_is_seen_is_listed_once_each() -> None:
    answer = ask("What objects can be seen?", SEEN)
    assert [one.quote for one in answer.citations] == ["a truck", "2 sheep", "a person"]


@pytest.mark.parametrize("question", ["When does the music start?", "When is music playing?", "Is there any music?"])
def test_a_sound_is_found_where_it_is_heard(question: str) -> None:
    heard = (*SEEN, moment(3, "music", "sound"))
    assert cited(ask(question, heard)) == ["sound-3"]
    assert ask(question, SEEN) == UNKNOWN


@pytest.mark.parametrize("question", ["Is there a helicopter?", "How many cows are there?", "When does a cat appear?"])
def test_what_is_not_seen_is_not_known(question: str) -> None:
    assert ask(question, SEEN) == UNKNOWN
    assert ask(question) == UNKNOWN


def test_a_video_is_told_by_its_place_in_the_conversation() -> None:
    assert {one.video_id for one in ask("What is sold in the second video?", BOTH).citations} == {HARBOUR}
    assert {one.video_id for one in ask("What is sold in the first video?", BOTH).citations} == {FARM}
    assert ask("What is sold in the third video?", BOTH) == UNKNOWN
    assert {one.video_id for one in ask("Summarise video 2", BOTH).citations} == {HARBOUR}


@pytest.mark.parametrize("question", ["What about the second video?", "And in the other one?"])
def test_the_same_may_be_asked_of_another_video(question: str) -> None:
    first = ask("What is the first thing said in the first video?", BOTH)
    history = [Turn("What is the first thing said in the first video?", first.text, first.citations)]
    answer = ask(question, BOTH, history)
    assert [(one.video_id, one.quote) for one in answer.citations] == [(HARBOUR, BOATS[0].text)]


def test_which_of_the_videos_tells() -> None:
    answer = ask("Which video mentions herring?", BOTH)
    assert {one.video_id for one in answer.citations} == {HARBOUR}
    assert "Nothing of it in video 1." in answer.text
    assert ask("Which video mentions submarines?", BOTH) == UNKNOWN


def test_what_both_tell_is_cited_from_both() -> None:
    answer = ask("Do both videos mention cheese?", BOTH)
    assert [one.video_id for one in answer.citations] == [FARM, HARBOUR]


@pytest.mark.parametrize("question", ["Compare the two videos.", "What is the difference between the videos?"])
def test_a_comparison_tells_of_each(question: str) -> None:
    assert [one.video_id for one in ask(question, BOTH).citations] == [FARM, FARM, HARBOUR, HARBOUR]


def test_what_videos_have_in_common_is_cited_from_each() -> None:
    answer = ask("What do the videos have in common?", BOTH)
    assert {one.video_id for one in answer.citations} == {FARM, HARBOUR}
    assert any("cheese" in one.quote for one in answer.citations) or any(
        "nine litres" in one.quote for one in answer.citations
    )
    apart = (SPEECH[0], moment(0, "Nothing alike.", video_id=HARBOUR))
    assert ExtractiveEngine().answer("What do the videos have in common?", (), apart, (FARM, HARBOUR)) == UNKNOWN


@pytest.mark.parametrize(
    ("question", "start_ms"),
    [
        ("When are goats first spoken of?", 20_000),
        ("When do they first speak of goats?", 20_000),
        ("When is the last time that goats are mentioned?", 50_000),
        ("When are goats last talked about?", 50_000),
        ("When do you first hear of cheese?", 40_000),
    ],
)
def test_what_is_first_or_last_spoken_of(question: str, start_ms: int) -> None:
    assert [one.start_ms for one in ask(question).citations] == [start_ms]
