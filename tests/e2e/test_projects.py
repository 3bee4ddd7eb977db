"""A project's videos are listed, searched and asked about; and an answer that takes longer comes later."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from functions.conversations.commands import ask_question
from shared.aws.settings import Settings
from shared.kernel.principals import User
from shared.persistence.scope import Runtime
from tests.e2e.customers import Customer, settled
from tests.e2e.stacks import LocalStack
from tests.support.http import Answer, Caller


class TimeFlies:
    """Twenty-one seconds pass after the first look at it."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def now(self) -> datetime:
        now, self._ahead = datetime.now(UTC) + self._ahead, timedelta(seconds=21)
        return now


def ask_and_wait_no_longer(stack: LocalStack, customer: Customer, conversation: str, question: str) -> Answer:
    """Ask as the stage's own function does, on its own tables, but run out of time before there is an answer."""
    environment = stack.client("lambda").get_function_configuration(
        FunctionName="visionscope-local-conversations-ask-question"
    )["Environment"]["Variables"]
    asker = User(customer.api.get("/v1/users/me")["user_id"], customer.session["session_id"])
    runtime = Runtime(Settings(environment), TimeFlies(), client=stack.client)
    return Caller(runtime, asker).send(
        ask_question.ENDPOINT, f"{conversation}/questions", {"question": question}, idempotency_key="slow"
    )


def test_a_projects_videos_are_found_and_talked_about(
    customer: Customer, stranger: Customer, local_stack: LocalStack, clip: Path
) -> None:
    projects = f"{customer.workspace}/projects"
    project_id = customer.api.post(projects, {"name": "Campaign"})["project_id"]
    assert customer.api.send("POST", projects, {"name": "campaign"}).status_code == 409
    video_id = customer.uploaded(clip)
    video = customer.api.send("GET", customer.video_path(video_id))
    moved = customer.api.send(
        "PATCH",
        customer.video_path(video_id),
        {"project_id": project_id},
        headers={"if-match": video.headers["etag"]},
    )
    assert (moved.status_code, moved.json()["project_id"]) == (200, project_id)
    listed = customer.api.get(f"{customer.workspace}/videos", project_id=project_id)["items"]
    assert [one["video_id"] for one in listed] == [video_id]
    conversations = f"{customer.workspace}/conversations"
    assert customer.api.send("POST", conversations, {"project_id": project_id}).status_code == 409
    analysis_id = customer.requested(video_id, features=["text"])
    assert customer.ended_analysis(video_id, analysis_id)["status"] == "completed"

    def found() -> list[Any]:
        search = f"{customer.workspace}/moments"
        moments: list[Any] = customer.api.get(search, q="harvest", project_id=project_id)["items"]
        return moments

    assert {one["video_id"] for one in settled(found, bool)} == {video_id}
    started = customer.api.post(conversations, {"project_id": project_id})
    assert (started["project_id"], started["video_ids"]) == (project_id, [video_id])
    conversation = f"{conversations}/{started['conversation_id']}"
    foreign = stranger.api.send("POST", f"{stranger.workspace}/conversations", {"project_id": project_id})
    assert foreign.status_code == 404

    asked = ask_and_wait_no_longer(local_stack, customer, conversation, "Where was the harvest?")

    assert (asked.status, asked.json["status"]) == (202, "pending"), asked
    balance, held = customer.credits()["conversation"]
    assert held == 1
    answered = settled(lambda: customer.api.get(asked.headers["location"]), lambda one: one["status"] != "pending")
    assert (answered["status"], answered["grounded"]) == ("answered", True), answered
    (cited,) = answered["citations"]
    assert (cited["video_id"], "Bordeaux" in cited["quote"]) == (video_id, True)
    assert customer.credits()["conversation"] == (balance, 0)

    assert customer.api.send("DELETE", f"{projects}/{project_id}").status_code == 204
    assert customer.api.get(projects)["items"] == []
    assert customer.api.get(f"{projects}/{project_id}")["status"] == "archived"
    refused = customer.api.send(
        "POST",
        f"{customer.workspace}/videos",
        {"file_name": "a.mp4", "content_type": "video/mp4", "size_bytes": 1, "project_id": project_id},
    )
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/project_id")
