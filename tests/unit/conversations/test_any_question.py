"""Whatever is asked, of however many videos and after whatever: an answer cites what is there, or it isn't known."""

from __future__ import annotations

import pytest

from functions.conversations.domain.answering import Turn
from functions.conversations.domain.extractive import ExtractiveEngine
from tests.unit.conversations.asking import read_half

HALF = read_half("unseen")
NAMES = tuple(HALF.moments)[:2]
MOMENTS = [one for name in NAMES for one in HALF.moments[name]]
FORMS = (
    "{}",
    "Which of the two videos tells {}",
    "Do both of these 2 videos say {}",
    "Compare the three videos: {}",
    "In video 2, {}",
    "What does the second video say after 1:30 about {}",
    "And {}",
    "How many times is it said: {}",
    'Where is "{}" written?',
    "{} {} {}",
    "{}!? 17, 3rd -- C3PO's ½ №9",
)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_to_any_question_cites_moments_that_are_there(form: str) -> None:
    there = {(one.video_id, one.segment_id): one for one in MOMENTS}
    history: list[Turn] = []
    for asked in (asked for conversation in HALF.conversations for asked in conversation.asked):
        question = form.replace("{}", asked.question.rstrip("?"))
        answer = ExtractiveEngine().answer(question, history, MOMENTS, NAMES)
        assert answer.grounded == bool(answer.citations)
        for one in answer.citations:
            moment = there[one.video_id, one.segment_id]
            assert (one.start_ms, one.end_ms) == (moment.start_ms, moment.end_ms)
            assert one.quote in moment.text
        history = [*history[-2:], Turn(question, answer.text, answer.citations)]
