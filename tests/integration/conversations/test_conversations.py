from dataclasses import dataclass
from typing import Any

import pytest

from functions.billing.queries import get_credit_balances
from functions.conversations.commands import ask_question, start_conversation
from functions.conversations.queries import get_conversation, get_question, list_conversation_questions
from functions.videos.commands import update_video
from functions.videos.domain.video import VideoStatus
from shared.kernel.principals import User
from tests.support.analysed_videos import add_video, ready_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.workspaces import OwnedWorkspace, open_workspace

NEVER = "01890000-0000-7000-8000-000000000000"
BREAD = (
    (0, 4_000, "Today we are baking sourdough bread in my kitchen in Lyon."),
    (4_000, 9_000, "First mix four hundred grams of flour with the water."),
    (9_000, 14_000, "Then bake the loaf at 230 degrees for forty minutes."),
)
VOLCANO = (
    (0, 5_000, "Mount Etna is the highest active volcano in Europe."),
    (5_000, 9_000, "It erupted in the spring of 2021, and ash fell on Catania."),
)


@dataclass(slots=True)
class Studio:
    """A workspace and its owner, who asks."""

    aws: Aws
    workspace: OwnedWorkspace
    keys: int = 0

    @property
    def owner(self) -> Caller:
        return Caller(self.aws.runtime, self.workspace.owner)

    def start(self, *video_ids: str) -> str:
        """Start a conversation; returns its path."""
        answer = self.try_to_start({"video_ids": video_ids})
        assert answer.status == 201, answer
        location: str = answer.headers["location"]
        return location

    def try_to_start(self, body: object) -> Answer:
        return self.owner.send(start_conversation.ENDPOINT, f"{self.workspace.path}/conversations", body)

    def move(self, video_id: str, project_id: str | None) -> None:
        path, body = f"{self.workspace.path}/videos/{video_id}", {"project_id": project_id}
        moved = self.owner.send(update_video.ENDPOINT, path, body, headers={"if-match": "*"})
        assert moved.status == 200, moved

    def ask(self, conversation: str, question: str, key: str | None = None) -> Answer:
        self.keys += 1
        return self.owner.send(
            ask_question.ENDPOINT,
            f"{conversation}/questions",
            {"question": question},
            idempotency_key=key or f"key-{self.keys}",
        )

    def questions(self, conversation: str, query: str = "") -> Answer:
        return self.owner.send(list_conversation_questions.ENDPOINT, f"{conversation}/questions{query}")

    def credits(self) -> int:
        answer = self.owner.send(get_credit_balances.ENDPOINT, f"{self.workspace.path}/credits")
        balances: dict[str, int] = {pool["feature_code"]: pool["balance"] for pool in answer.json["items"]}
        return balances["conversation"]

    def video(self, *spoken: tuple[int, int, str]) -> str:
        return ready_video(self.aws, self.workspace.workspace_id, spoken)


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws, open_workspace(aws))


def codes(answer: Answer) -> dict[str, str]:
    errors: list[dict[str, Any]] = answer.json["errors"]
    return {error["pointer"]: error["code"] for error in errors}


def test_a_conversation_is_about_the_videos_named(studio: Studio) -> None:
    bread = studio.video(*BREAD)
    location = studio.start(bread)
    answer = studio.owner.send(get_conversation.ENDPOINT, location)
    assert answer.status == 200
    assert answer.json["video_ids"] == [bread]
    (started,) = studio.aws.events("ConversationStarted")
    assert started.data["video_ids"] == [bread]
    assert location.endswith(started.data["conversation_id"])


def test_a_question_is_answered_with_the_moment_that_tells(studio: Studio) -> None:
    bread = studio.video(*BREAD)
    answer = studio.ask(studio.start(bread), "How hot is the loaf baked?")
    assert answer.status == 201
    assert (answer.json["status"], answer.json["grounded"]) == ("answered", True)
    (citation,) = answer.json["citations"]
    assert citation == {
        "video_id": bread,
        "segment_id": "speech-0003",
        "start_ms": 9_000,
        "end_ms": 14_000,
        "quote": BREAD[2][2],
    }


def test_what_the_video_does_not_tell_is_not_known(studio: Studio) -> None:
    answer = studio.ask(studio.start(studio.video(*BREAD)), "Who was elected president?")
    assert answer.status == 201
    assert answer.json["grounded"] is False
    assert answer.json["citations"] == []
    assert "don't know" in answer.json["answer"]


def test_nothing_is_known_of_a_silent_video(studio: Studio) -> None:
    answer = studio.ask(studio.start(studio.video()), "When did Mount Etna erupt?")
    assert (answer.status, answer.json["grounded"], answer.json["citations"]) == (201, False, [])


def test_evidence_comes_from_every_video_of_the_conversation(studio: Studio) -> None:
    bread, volcano = studio.video(*BREAD), studio.video(*VOLCANO)
    conversation = studio.start(bread, volcano)
    (hot,) = studio.ask(conversation, "How hot is the loaf baked?").json["citations"]
    (erupted,) = studio.ask(conversation, "When did Mount Etna erupt?").json["citations"][-1:]
    assert (hot["video_id"], erupted["video_id"]) == (bread, volcano)


def test_a_question_may_refer_to_the_one_before(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD, *((start + 20_000, end + 20_000, s) for start, end, s in VOLCANO)))
    studio.ask(conversation, "What is said about the loaf?")
    alone = studio.ask(studio.start(studio.video(*VOLCANO)), "How hot is it baked?")
    after = studio.ask(conversation, "How hot is it baked?")
    assert alone.json["grounded"] is False
    assert [citation["quote"] for citation in after.json["citations"]] == [BREAD[2][2]]


def test_each_question_costs_one_credit_and_leaves_an_event_without_its_text(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    before = studio.credits()
    answered = studio.ask(conversation, "How hot is the loaf baked?").json
    studio.ask(conversation, "Who was elected president?")
    assert studio.credits() == before - 2
    events = studio.aws.events("QuestionAnswered")
    assert [(event.data["grounded"], event.data["citations"]) for event in events] == [(True, 1), (False, 0)]
    assert events[0].data["question_id"] == answered["question_id"]
    assert "loaf" not in events[0].model_dump_json()
    consumed = studio.aws.events("CreditConsumed")
    assert [(event.data["feature_code"], event.data["amount"]) for event in consumed] == [("conversation", 1)] * 2


def test_a_repeated_key_gives_the_first_answer_and_charges_once(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    before = studio.credits()
    first = studio.ask(conversation, "How hot is the loaf baked?", key="once")
    again = studio.ask(conversation, "How hot is the loaf baked?", key="once")
    assert again.json == first.json
    assert again.headers["location"] == first.headers["location"]
    assert again.headers["idempotent-replayed"] == "true"
    assert studio.credits() == before - 1
    assert len(studio.questions(conversation).json["items"]) == 1


def test_a_question_needs_a_key(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    answer = studio.owner.send(ask_question.ENDPOINT, f"{conversation}/questions", {"question": "How hot?"})
    assert (answer.status, answer.problem) == (400, "idempotency-key-required")


def test_without_credits_nothing_is_asked(studio: Studio) -> None:
    conversation = studio.start(studio.video(*VOLCANO))
    for _ in range(studio.credits()):
        assert studio.ask(conversation, "When did Mount Etna erupt?").status == 201
    asked = len(studio.aws.events("QuestionAnswered"))
    answer = studio.ask(conversation, "When did Mount Etna erupt?")
    assert (answer.status, answer.problem) == (402, "insufficient-credits")
    assert (answer.json["required"], answer.json["available"]) == (1, 0)
    assert len(studio.aws.events("QuestionAnswered")) == asked
    assert studio.credits() == 0


def test_questions_are_listed_in_the_order_asked_and_page_by_page(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    asked = [studio.ask(conversation, f"How hot is loaf number {number}?").json for number in range(5)]
    first = studio.questions(conversation, "?limit=3").json
    rest = studio.questions(conversation, f"?limit=3&cursor={first['next_cursor']}").json
    assert first["items"] + rest["items"] == asked
    assert rest["next_cursor"] is None
    one = studio.owner.send(get_question.ENDPOINT, f"{conversation}/questions/{asked[2]['question_id']}")
    assert (one.status, one.json) == (200, asked[2])


def test_a_cursor_of_another_conversation_is_refused(studio: Studio) -> None:
    video = studio.video(*VOLCANO)
    one, other = studio.start(video), studio.start(video)
    for _ in range(2):
        studio.ask(one, "When did Mount Etna erupt?")
    cursor = studio.questions(one, "?limit=1").json["next_cursor"]
    assert studio.questions(other, f"?cursor={cursor}").problem == "malformed-request"


def test_a_video_that_was_never_analysed_cannot_be_talked_about(studio: Studio) -> None:
    uploaded = add_video(studio.aws, studio.workspace.workspace_id, VideoStatus.UPLOADED)
    answer = studio.try_to_start({"video_ids": [uploaded]})
    assert (answer.status, answer.problem) == (409, "conflict")
    assert uploaded in answer.json["detail"]
    assert studio.aws.events("ConversationStarted") == []


def test_a_rerun_does_not_stop_the_conversation(studio: Studio) -> None:
    analysing = add_video(
        studio.aws, studio.workspace.workspace_id, VideoStatus.ANALYSING, analysis_id=studio.aws.ids.new()
    )
    assert studio.try_to_start({"video_ids": [analysing]}).status == 201


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({"video_ids": []}, "/video_ids", "missing"),
        ({}, "/video_ids", "missing"),
        ({"project_id": NEVER, "video_ids": [NEVER]}, "/project_id", "ambiguous"),
        ({"project_id": "no-uuid"}, "/project_id", "string-pattern-mismatch"),
        ({"video_ids": ["no-uuid"]}, "/video_ids/0", "string-pattern-mismatch"),
        ({"video_ids": [NEVER] * 2}, "/video_ids/1", "duplicate"),
        ({"video_ids": [f"01890000-0000-7000-8000-{n:012}" for n in range(11)]}, "/video_ids", "too-long"),
        ({"video_ids": [], "title": "Talk"}, "/title", "extra-forbidden"),
    ],
)
def test_a_conversation_names_one_to_ten_different_videos(
    studio: Studio, body: object, pointer: str, code: str
) -> None:
    answer = studio.try_to_start(body)
    assert (answer.status, answer.problem) == (422, "validation-failed")
    assert codes(answer) == {pointer: code}


@pytest.mark.parametrize(
    ("question", "code"), [("", "string-too-short"), ("  \n", "string-too-short"), ("a" * 1001, "string-too-long")]
)
def test_a_question_has_something_to_ask_and_an_end(studio: Studio, question: str, code: str) -> None:
    conversation = studio.start(studio.video(*VOLCANO))
    answer = studio.ask(conversation, question)
    assert answer.problem == "validation-failed"
    assert codes(answer) == {"/question": code}


def test_another_workspace_sees_nothing_of_it(studio: Studio) -> None:
    video = studio.video(*VOLCANO)
    conversation = studio.start(video)
    question = studio.ask(conversation, "When did Mount Etna erupt?").headers["location"]
    stranger = Studio(studio.aws, open_workspace(studio.aws))
    foreign = [
        stranger.owner.send(get_conversation.ENDPOINT, conversation),
        stranger.owner.send(get_question.ENDPOINT, question),
        stranger.questions(conversation),
        stranger.ask(conversation, "When did Mount Etna erupt?"),
        stranger.try_to_start({"video_ids": [video]}),
    ]
    inside = conversation.replace(studio.workspace.workspace_id, stranger.workspace.workspace_id)
    foreign += [
        stranger.owner.send(get_conversation.ENDPOINT, inside),
        stranger.questions(inside),
        stranger.ask(inside, "When did Mount Etna erupt?"),
    ]
    assert [(answer.status, answer.problem) for answer in foreign] == [(404, "not-found")] * len(foreign)
    assert stranger.credits() == studio.credits() + 1


def test_somebody_without_a_session_is_refused(studio: Studio) -> None:
    conversation = studio.start(studio.video(*VOLCANO))
    nobody = Caller(studio.aws.runtime)
    assert nobody.send(get_conversation.ENDPOINT, conversation).status == 401
    somebody = Caller(studio.aws.runtime, User(user_id=studio.aws.ids.new(), session_id=studio.aws.ids.new()))
    assert somebody.send(get_conversation.ENDPOINT, conversation).status == 404
