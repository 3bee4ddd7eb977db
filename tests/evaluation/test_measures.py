"""The yardsticks themselves: what they call right and wrong, and that bad work misses the floors."""

from pathlib import Path

import pytest

from functions.videos.domain.results import (
    MOMENTS,
    TIMELINE,
    Box,
    BoxAt,
    Moment,
    MomentKind,
    Moments,
    People,
    ScreenText,
    ThingTrack,
    Timeline,
)
from tests.evaluation import answers, shots, speech, texts
from tests.evaluation.answers import Cited, Given, judge
from tests.evaluation.bars import Bar
from tests.evaluation.collection import COLLECTION, Clip
from tests.evaluation.library import Analysed
from tests.evaluation.photographs import PHOTOGRAPHS
from tests.evaluation.questions import Conversation, Question, Span, conversations, evidence, load
from tests.evaluation.recipes import Card, Fade, Recipe, Take
from tests.evaluation.rendering import boundaries_of
from tests.evaluation.shots import Contest, Score, score
from tests.evaluation.things import Tally, compare_faces
from tests.evaluation.truth import Boundary, CaptionTruth, Face, LabelledFrame, SpokenTruth, Truth
from tests.evaluation.words import in_words, tells, tokens

CUT, FADE = Boundary(first=100, last=100), Boundary(first=200, last=210, fade=True)


def missed(bars: list[Bar]) -> set[str]:
    return {bar.what for bar in bars if not bar.held}


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ([100, 205], Score(1, 1, 1, 1, 0)),
        ([97, 213], Score(1, 1, 1, 1, 0)),
        ([96, 214], Score(1, 0, 1, 0, 2)),
        ([100, 101, 205], Score(1, 1, 1, 1, 1)),
        ([], Score(1, 0, 1, 0, 0)),
    ],
)
def test_a_boundary_is_found_once_and_near(starts: list[int], expected: Score) -> None:
    assert score([CUT, FADE], starts) == expected


def test_the_boundaries_of_a_recipe_are_where_its_takes_meet() -> None:
    takes = (Take(Card((0, 0, 0)), 30), Take(Card((9, 9, 9)), 20), Take(Card((0, 0, 0)), 25, fade=Fade(5, 4, 5)))
    recipe = Recipe("r", takes)
    cut, fade = boundaries_of(recipe)
    assert (cut.first, cut.last, cut.fade) == (30, 30, False)
    assert (fade.first, fade.last, fade.fade) == (49, 54, True)
    assert recipe.frames == 79


@pytest.mark.parametrize("worst", ["finds nothing", "finds everything"])
def test_a_detector_without_judgement_misses_its_floors(worst: str) -> None:
    boundaries = tuple(Boundary(first=at, last=at, fade=at % 3 == 0) for at in range(100, 10_000, 40))
    truth = Truth(frames=10_000, frame_rate=25, duration_ms=400_000, boundaries=boundaries)
    clip, contest = Clip("clip", Path("clip.mp4"), truth), Contest()
    found = [] if worst == "finds nothing" else list(range(0, 10_000, 5))
    contest.enter("fast", clip, found)
    contest.enter("accurate", clip, found)
    contest.enter("PySceneDetect content", clip, [one.first for one in boundaries])
    held = {"shots, cuts to be found", "shots, fades to be found"}
    bars = shots.bars(contest)
    assert missed(bars) == {bar.what for bar in bars} - held


def screen_text(text: str, start_ms: int, end_ms: int, y: float = 0.1) -> ScreenText:
    box = Box(x=0.1, y=y, width=0.5, height=0.1)
    return ScreenText(segment_id=text, text=text, start_ms=start_ms, end_ms=end_ms, confidence=1, box=box)


CAPTION = CaptionTruth(text="Platform 4\nOxford 10:45", start_ms=1_000, end_ms=3_000, size=0.1, style="sans")


def test_a_caption_of_two_lines_may_be_read_as_two_texts() -> None:
    lower, upper = screen_text("Oxford 10:45", 1_100, 2_900, y=0.3), screen_text("Platform 4", 1_000, 3_000)
    reading = texts.read(CAPTION, [lower, upper])
    assert (reading.accuracy, reading.error_ms) == (1.0, 0)


def test_a_text_of_another_time_is_no_reading() -> None:
    assert texts.read(CAPTION, [screen_text("Platform 4 Oxford 10:45", 3_000, 5_000)]).error_ms is None


def test_an_unread_caption_misses_the_floor() -> None:
    bars = texts.bars([texts.read(CAPTION, [])], [texts.read(CAPTION, [])])
    assert missed(bars) == {bar.what for bar in bars}


def test_numbers_count_as_heard_however_they_are_written() -> None:
    assert speech.compare("It cost two million dollars.", "It cost $2 million.").errors == 0
    assert speech.compare("at ten forty five", "at 10:45").errors == 0
    assert speech.compare("on the ninth of June", "on the 9th of June").errors == 0


@pytest.mark.parametrize(
    ("heard", "errors"), [("the cat sat", 0), ("the cat", 1), ("a cat sat", 1), ("the cat sat down", 1), ("", 3)]
)
def test_each_wrong_word_is_an_error(heard: str, errors: int) -> None:
    assert speech.compare("The cat sat.", heard).errors == errors


def test_words_where_nobody_speaks_are_noticed() -> None:
    assert missed(speech.bars({"music": speech.compare("", "thank you for watching")}))


@pytest.mark.parametrize(
    ("number", "words"), [(0, "zero"), (45, "forty five"), (800, "eight hundred"), (1657, "sixteen fifty seven")]
)
def test_numbers_in_words(number: int, words: str) -> None:
    assert in_words(number) == words


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("“3 eggs”, at 0:12.", True),
        ("It takes three eggs.", True),
        ("It is said at 0:03.", False),
        ("Thirteen.", False),
    ],
)
def test_a_number_is_told_by_itself_and_not_by_a_time_or_a_longer_word(answer: str, told: bool) -> None:
    assert tells(answer, [["three"]]) is told


def test_an_answer_must_tell_something_of_each_group() -> None:
    assert tells("Windy, with rain later.", [["wind"], ["rain"]])
    assert not tells("Windy.", [["wind"], ["rain"]])
    assert tokens("O'clock – 10:45!") == ["o'clock", "ten", "forty", "five"]


class FirstMoment:
    """An engine that answers everything, from the first moment."""

    def converse(self, conversation: Conversation) -> list[Given]:
        cited = Cited(conversation.about[0], "speech-0001", 0, 2_000, "Hello.")
        return [Given("“Hello.”, at 0:00.", grounded=True, cited=(cited,)) for _ in conversation.questions]

    def search(self, clip: str, words: str) -> list[Span]:
        return [Span(clip, 0, 2_000)]


class Silent:
    """An engine that knows nothing and admits it."""

    def converse(self, conversation: Conversation) -> list[Given]:
        return [Given("I don't know.", grounded=False, cited=()) for _ in conversation.questions]

    def search(self, clip: str, words: str) -> list[Span]:
        return []


class Liar:
    """An engine that knows every answer and cites moments that don't exist."""

    def __init__(self, questions: tuple[Question, ...]) -> None:
        self._says = {question.ask: question.says for question in questions}

    def converse(self, conversation: Conversation) -> list[Given]:
        return [
            Given(
                " ".join(group[0] for group in question.says),
                grounded=question.answerable,
                cited=(Cited(conversation.about[0], "speech-9999", 0, 2_000, "Hello."),) if question.answerable else (),
            )
            for question in conversation.questions
        ]

    def search(self, clip: str, words: str) -> list[Span]:
        return []


QUESTIONS = load()
MOMENT = Moment(segment_id="speech-0001", kind=MomentKind.SPEECH, start_ms=0, end_ms=2_000, text="Hello.")


@pytest.fixture
def analysed(tmp_path: Path) -> dict[str, Analysed]:
    """Every clip with one word at its very beginning, and evidence much later."""
    (tmp_path / MOMENTS).write_text(Moments(moments=(MOMENT,)).model_dump_json())
    (tmp_path / TIMELINE).write_text(Timeline(duration_ms=60_000, shots=()).model_dump_json())
    later = SpokenTruth(text="later", start_ms=30_000, end_ms=32_000)
    caption = CaptionTruth(text="later", start_ms=30_000, end_ms=32_000, size=0.1, style="sans")
    truth = Truth(frames=1500, frame_rate=25, duration_ms=60_000, spoken=(later,) * 20, captions=(caption,) * 20)
    return {name: Analysed(Clip(name, tmp_path, truth), tmp_path, ()) for name in COLLECTION}


class Finder:
    """An engine that finds the moments it was given, and answers nothing."""

    def __init__(self, *found: Moment) -> None:
        self._found = found

    def converse(self, conversation: Conversation) -> list[Given]:
        return [Given("I don't know.", grounded=False, cited=()) for _ in conversation.questions]

    def search(self, clip: str, words: str) -> list[Span]:
        return [Span(clip, one.start_ms, one.end_ms) for one in self._found]


def faces_at(*lefts: float, at_ms: int = 1000) -> People:
    return People(
        people=(),
        faces=tuple(
            ThingTrack(
                segment_id=f"face-{number:04}",
                label="face",
                start_ms=0,
                end_ms=2000,
                confidence=0.9,
                boxes=(BoxAt(x=left, y=0.1, width=0.1, height=0.2, at_ms=at_ms),),
            )
            for number, left in enumerate(lefts, start=1)
        ),
    )


def labelled_face(left: float) -> Face:
    return Face(x=left, y=0.1, width=0.1, height=0.2)


@pytest.mark.parametrize(
    ("people", "expected"),
    [
        (faces_at(0.12, 0.4), Tally(there=2, found=2)),
        (faces_at(0.1, 0.11), Tally(there=2, found=1, false=1)),
        (faces_at(0.1, 0.7), Tally(there=2, found=1)),
        (faces_at(0.17, 0.55), Tally(there=2, found=0, false=2)),
        (faces_at(0.1, 0.4, at_ms=1300), Tally(there=2)),
    ],
    ids=["both", "one twice", "a doubtful one as well", "beside them", "not now"],
)
def test_a_face_is_found_once_and_a_doubtful_one_without_blame(people: People, expected: Tally) -> None:
    doubtful = (labelled_face(0.7),)
    frame = LabelledFrame(frame=24, at_ms=1000, faces=(labelled_face(0.1), labelled_face(0.4)), doubtful_faces=doubtful)
    tally = Tally()
    compare_faces(frame, people, tally)
    assert tally == expected


def moment(kind: MomentKind, start_ms: int, end_ms: int) -> Moment:
    return Moment(segment_id=f"{kind}-{start_ms}", kind=kind, start_ms=start_ms, end_ms=end_ms, text="x")


def test_evidence_is_of_the_kind_that_was_meant_and_not_what_touches_it(
    tmp_path: Path, analysed: dict[str, Analysed]
) -> None:
    said, next_said = moment(MomentKind.SPEECH, 29_900, 32_100), moment(MomentKind.SPEECH, 31_900, 35_000)
    shown = moment(MomentKind.TEXT, 30_100, 31_900)
    (tmp_path / MOMENTS).write_text(Moments(moments=(said, next_said, shown)).model_dump_json())
    question = Question.model_validate({"clip": "harbour", "ask": "?", "kind": "what", "said": [1]})
    assert judge(Finder(said), (question,), analysed).recalls == [1.0]
    assert judge(Finder(next_said, shown), (question,), analysed).recalls == [0.0]
    assert judge(Finder(shown, said), (question,), analysed).reciprocal_ranks == [0.5]


def test_an_engine_that_answers_everything_misses_the_floors(analysed: dict[str, Analysed]) -> None:
    bars = missed(answers.bars(judge(FirstMoment(), QUESTIONS, analysed)))
    assert {"answers to what can't be answered", "answers, right ones of what can be answered"} <= bars
    assert {"citations, supporting the answer", "retrieval, recall at 5"} <= bars


def test_an_engine_that_answers_nothing_misses_the_floor_of_right_answers(analysed: dict[str, Analysed]) -> None:
    bars = missed(answers.bars(judge(Silent(), QUESTIONS, analysed)))
    assert "answers, right ones of what can be answered" in bars
    assert "answers to what can't be answered" not in bars


def test_a_citation_of_a_moment_that_does_not_exist_is_noticed(analysed: dict[str, Analysed]) -> None:
    bars = missed(answers.bars(judge(Liar(QUESTIONS), QUESTIONS, analysed)))
    assert "citations, of a moment that exists" in bars
    assert "answers to what can't be answered" not in bars


def test_the_set_is_as_large_as_it_should_be() -> None:
    assert len(COLLECTION) >= 10
    assert sum(len(photograph.faces) for photograph in PHOTOGRAPHS) >= 30
    assert sum(not photograph.faces for photograph in PHOTOGRAPHS) >= 5
    assert len(QUESTIONS) >= 90
    assert sum(not question.answerable for question in QUESTIONS) >= 25
    assert sum(len(conversation.questions) > 1 for conversation in conversations(QUESTIONS)) >= 5
    assert {name for question in QUESTIONS for name in question.about} <= set(COLLECTION)


def test_evidence_is_where_the_truth_has_it() -> None:
    question = Question.model_validate({"clip": "c", "ask": "?", "kind": "what", "said": [2], "shown": [1]})
    said = tuple(SpokenTruth(text="x", start_ms=at, end_ms=at + 500) for at in (1_000, 2_000))
    shown = CaptionTruth(text="x", start_ms=7_000, end_ms=8_000, size=0.1, style="sans")
    truth = Truth(frames=1, frame_rate=25, duration_ms=9_000, spoken=said, captions=(shown,))
    assert evidence(question, lambda name: truth) == (
        Span("c", 2_000, 2_500, "speech"),
        Span("c", 7_000, 8_000, "text"),
    )
