"""Questions that take longer than anybody waits: answered later, once, or failed with their credit returned."""

from collections.abc import Callable
from typing import Any

import pytest

from functions.billing.queries import get_credit_balances, get_workspace_usage
from functions.conversations.queries import get_question
from functions.conversations.subscribers import answer_question, expire_question
from functions.videos.commands import delete_video
from shared.messaging.envelope import Envelope
from shared.messaging.routing import Subscriber
from tests.integration.conversations.test_answer_model import GIVEN, QUESTION, Modelled, good_answer, is_extractive
from tests.integration.conversations.test_conversations import BREAD, Studio
from tests.support.aws import Aws
from tests.support.bedrock import Bedrock, Behaves, shown_to_model, tool_answer
from tests.support.http import Answer, Caller
from tests.support.projecting import project
from tests.support.projects import open_project
from tests.support.queues import deliver, from_bus
from tests.support.workspaces import open_workspace

FREE_QUESTIONS = 50


class SlowBucket:
    """S3 that lets time pass whenever something is read."""

    def __init__(self, aws: Aws, seconds: int) -> None:
        self._aws, self._seconds = aws, seconds
        self._s3 = aws.client("s3")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._s3, name)

    def get_object(self, **request: object) -> Any:
        self._aws.clock.advance(seconds=self._seconds)
        return self._s3.get_object(**request)


@pytest.fixture
def studio(aws: Aws) -> Studio:
    return Studio(aws, open_workspace(aws))


@pytest.fixture
def pending(studio: Studio) -> Answer:
    """A question about bread, asked while the results took long to read."""
    conversation = studio.start(studio.video(*BREAD))
    return ask_slowly(studio, conversation)


def ask_slowly(studio: Studio, conversation: str, question: str = QUESTION, key: str | None = None) -> Answer:
    studio.aws.fakes["s3"] = SlowBucket(studio.aws, seconds=11)
    answer = studio.ask(conversation, question, key)
    del studio.aws.fakes["s3"]
    return answer


def pool(studio: Studio) -> tuple[int, int]:
    """Balance and hold of the conversation credits."""
    pools = studio.owner.send(get_credit_balances.ENDPOINT, f"{studio.workspace.path}/credits").json["items"]
    ((balance, held),) = [(one["balance"], one["held"]) for one in pools if one["feature_code"] == "conversation"]
    return balance, held


def shown(studio: Studio, asked: Answer) -> Any:
    answer = studio.owner.send(get_question.ENDPOINT, asked.headers["location"])
    assert answer.status == 200, answer
    return answer.json


def sent(aws: Aws, subscriber: Subscriber) -> Envelope:
    (command,) = aws.commands(subscriber.queue_name)
    return command


def take(aws: Aws, subscriber: Subscriber) -> None:
    assert deliver(subscriber, from_bus(sent(aws, subscriber)), aws.runtime)


def answer_it(aws: Aws) -> None:
    take(aws, answer_question.SUBSCRIBER)


def give_it_up(aws: Aws) -> None:
    take(aws, expire_question.SUBSCRIBER)


def test_a_question_that_takes_longer_is_accepted_and_answered_later(studio: Studio, pending: Answer) -> None:
    assert (pending.status, pending.json["status"]) == (202, "pending")
    assert (pending.json["answer"], pending.json["grounded"], pending.json["citations"]) == (None, None, [])
    assert pending.headers["location"].endswith(f"/questions/{pending.json['question_id']}")
    assert shown(studio, pending) == pending.json
    assert pool(studio) == (FREE_QUESTIONS - 1, 1)
    answer_it(studio.aws)
    answered = shown(studio, pending)
    assert (answered["status"], answered["grounded"], answered["error"]) == ("answered", True, None)
    assert [one["segment_id"] for one in answered["citations"]] == ["speech-0003"]
    assert answered["asked_at"] == pending.json["asked_at"]
    assert pool(studio) == (FREE_QUESTIONS - 1, 0)
    assert [one.detail_type for one in studio.aws.events() if one.detail_type.startswith("Question")] == [
        "QuestionDeferred",
        "QuestionAnswered",
    ]


def test_it_is_answered_and_charged_once_however_often_it_is_delivered(studio: Studio, pending: Answer) -> None:
    for _ in range(2):
        answer_it(studio.aws)
    again = from_bus(sent(studio.aws, answer_question.SUBSCRIBER))
    again["detail"]["metadata"]["message_id"] = studio.aws.ids.new()
    assert deliver(answer_question.SUBSCRIBER, again, studio.aws.runtime), "redriven, it has another id"
    give_it_up(studio.aws)
    assert shown(studio, pending)["status"] == "answered"
    assert pool(studio) == (FREE_QUESTIONS - 1, 0)
    assert len(studio.aws.events("CreditConsumed")) == len(studio.aws.events("QuestionAnswered")) == 1


def test_a_request_repeated_under_its_key_is_the_same_question(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    first = ask_slowly(studio, conversation, key="once")
    answer_it(studio.aws)
    again = studio.ask(conversation, QUESTION, key="once")
    assert (again.status, again.json, again.headers["location"]) == (202, first.json, first.headers["location"])
    assert again.headers["idempotent-replayed"] == "true"
    assert len(studio.questions(conversation).json["items"]) == 1
    assert pool(studio) == (FREE_QUESTIONS - 1, 0)


def test_a_question_that_is_never_answered_fails_and_costs_nothing(studio: Studio, pending: Answer) -> None:
    command = sent(studio.aws, expire_question.SUBSCRIBER)
    assert command.destination is not None
    assert command.destination.delay_seconds == 900
    give_it_up(studio.aws)
    failed = shown(studio, pending)
    assert (failed["status"], failed["error"]["reason"], failed["answer"]) == ("failed", "not_answered_in_time", None)
    assert "charged" in failed["error"]["message"]
    assert pool(studio) == (FREE_QUESTIONS, 0)
    answer_it(studio.aws)
    give_it_up(studio.aws)
    assert shown(studio, pending) == failed
    assert pool(studio) == (FREE_QUESTIONS, 0)
    (told,) = studio.aws.events("QuestionFailed")
    assert told.data["reason"] == "not_answered_in_time"
    assert studio.aws.events("CreditConsumed") == []


def test_a_question_about_videos_that_went_meanwhile_fails_at_once(studio: Studio) -> None:
    video_id = studio.video(*BREAD)
    pending = ask_slowly(studio, studio.start(video_id))
    deleted = studio.owner.send(delete_video.ENDPOINT, f"{studio.workspace.path}/videos/{video_id}")
    assert deleted.status == 202
    answer_it(studio.aws)
    failed = shown(studio, pending)
    assert (failed["status"], failed["error"]["reason"]) == ("failed", "videos_gone")
    assert pool(studio) == (FREE_QUESTIONS, 0)


def test_without_credits_nothing_is_deferred(studio: Studio) -> None:
    conversation = studio.start(studio.video(*BREAD))
    for _ in range(FREE_QUESTIONS):
        assert studio.ask(conversation, QUESTION).status == 201
    refused = ask_slowly(studio, conversation)
    assert (refused.status, refused.problem) == (402, "insufficient-credits")
    assert studio.aws.commands(answer_question.SUBSCRIBER.queue_name) == []


def test_a_pending_question_is_listed_and_is_nobody_elses(studio: Studio, pending: Answer) -> None:
    location = pending.headers["location"]
    assert studio.questions(location.rsplit("/questions", 1)[0]).json["items"] == [pending.json]
    stranger = open_workspace(studio.aws)
    inside = location.replace(studio.workspace.workspace_id, stranger.workspace_id)
    for path in (location, inside):
        assert Caller(studio.aws.runtime, stranger.owner).send(get_question.ENDPOINT, path).problem == "not-found"


def test_no_question_or_answer_travels_in_messages(studio: Studio, pending: Answer) -> None:
    answer_it(studio.aws)
    travelling = str([one.detail() for one in (*studio.aws.events(), *studio.aws.commands())])
    assert "loaf" not in travelling


def test_questions_count_as_usage_of_the_project_they_are_about(studio: Studio) -> None:
    project_id = open_project(studio.aws, studio.workspace)
    inside, outside = studio.video(*BREAD), studio.video(*BREAD)
    studio.move(inside, project_id)
    about_project = studio.try_to_start({"project_id": project_id}).headers["location"]
    named, both = studio.start(inside), studio.start(inside, outside)
    for conversation in (about_project, named, both):
        assert studio.ask(conversation, QUESTION).status == 201
    ask_slowly(studio, about_project)
    answer_it(studio.aws)
    project(studio.aws)
    usage = studio.owner.send(get_workspace_usage.ENDPOINT, f"{studio.workspace.path}/usage?group_by=project").json
    counted = {one["project_id"]: one["credits_consumed"] for one in usage["items"]}
    assert counted == {project_id: 3, None: 1}


@pytest.fixture
def modelled(aws: Aws, bedrock: Bedrock) -> Callable[[Behaves], Modelled]:
    return lambda behaves: Modelled(aws, bedrock, behaves)


Model = Callable[[Behaves], Modelled]


def test_a_model_that_thinks_long_is_waited_for_behind_the_askers_back(modelled: Model, bedrock: Bedrock) -> None:
    model = modelled(bedrock.silent(then=good_answer))
    pending = model.ask()
    assert (pending.status, pending.json["status"]) == (202, "pending")
    bedrock.speaks.set()
    answer_it(model.aws)
    answered = shown(model.studio, pending)
    assert (answered["status"], answered["answer"]) == ("answered", GIVEN)
    assert len(bedrock.asked) == 2
    assert pool(model.studio) == (FREE_QUESTIONS - 1, 0)


def test_there_is_an_answer_whatever_the_model_does(modelled: Model, bedrock: Bedrock) -> None:
    model = modelled(bedrock.silent(then=lambda _: (503, "ServiceUnavailableException")))
    pending = model.ask()
    assert pending.status == 202
    bedrock.speaks.set()
    answer_it(model.aws)
    assert shown(model.studio, pending)["answer"].startswith(f"“{BREAD[2][2]}”")


def test_that_a_model_thinks_long_does_not_open_the_circuit(modelled: Model, bedrock: Bedrock) -> None:
    model = modelled(bedrock.silent(then=good_answer))
    for _ in range(6):
        assert model.ask().status == 202
    assert len(bedrock.asked) == 6


def test_a_model_is_not_begun_with_that_could_not_answer_in_time(modelled: Model, bedrock: Bedrock) -> None:
    model = modelled(good_answer)
    model.aws.fakes["s3"] = SlowBucket(model.aws, seconds=3)
    pending = model.ask()
    assert (pending.status, bedrock.asked) == (202, [])
    del model.aws.fakes["s3"]
    answer_it(model.aws)
    assert shown(model.studio, pending)["answer"] == GIVEN


def test_a_question_refers_to_what_was_answered_before_it_and_to_nothing_pending(
    modelled: Model, bedrock: Bedrock
) -> None:
    model = modelled(good_answer)
    model.ask("How hot is the loaf?")
    bedrock.behaves = bedrock.silent(then=good_answer)
    assert model.ask("How long is the loaf baked?").status == 202
    bedrock.behaves = good_answer
    model.ask("And after that?")
    histories = [[turn["question"] for turn in shown_to_model(asked)["history"]] for asked in bedrock.asked]
    assert histories == [[], ["How hot is the loaf?"], ["How hot is the loaf?"]]
    bedrock.speaks.set()
    answer_it(model.aws)
    last = [turn["question"] for turn in shown_to_model(bedrock.asked[-1])["history"]]
    assert last == ["How hot is the loaf?"], "what was asked after it isn't before it"
    model.ask("Why?")
    last = [turn["question"] for turn in shown_to_model(bedrock.asked[-1])["history"]]
    assert last == ["How hot is the loaf?", "How long is the loaf baked?", "And after that?"]


def test_two_requests_under_one_key_call_the_model_once(modelled: Model, bedrock: Bedrock) -> None:
    parallel: list[Answer] = []

    def while_it_thinks(body: dict[str, Any]) -> tuple[int, object]:
        parallel.append(model.ask(key="once"))
        return good_answer(body)

    model = modelled(while_it_thinks)
    first = model.ask(key="once")
    assert (first.status, first.json["answer"]) == (201, GIVEN)
    (second,) = parallel
    assert (second.status, second.problem) == (409, "request-in-progress")
    assert "retry-after" in second.headers
    assert model.ask(key="once").json == first.json
    assert len(bedrock.asked) == 1
    assert pool(model.studio) == (FREE_QUESTIONS - 1, 0)


def test_a_refused_question_leaves_its_key_free(modelled: Model, bedrock: Bedrock) -> None:
    model = modelled(lambda _: (403, "AccessDeniedException"))
    assert model.ask(key="once").problem == "internal-error"
    bedrock.behaves = lambda _: tool_answer({"grounded": False, "answer": "No.", "citations": []})
    assert model.ask(key="once").status == 201


def test_a_stage_without_a_model_claims_no_key(studio: Studio) -> None:
    """Nothing outside is called: of two requests at once the slower one finds the other's answer."""
    conversation = studio.start(studio.video(*BREAD))
    asked: list[Answer] = []

    class AsksInBetween(SlowBucket):
        def get_object(self, **request: object) -> Any:
            if not asked:
                del studio.aws.fakes["s3"]
                asked.append(studio.ask(conversation, QUESTION, key="once"))
            return super().get_object(**request)

    studio.aws.fakes["s3"] = AsksInBetween(studio.aws, seconds=0)
    slower = studio.ask(conversation, QUESTION, key="once")
    assert is_extractive(asked[0])
    assert slower.json == asked[0].json
    assert slower.headers["idempotent-replayed"] == "true"
    assert pool(studio) == (FREE_QUESTIONS - 1, 0)
