"""Two workspaces ask about each other's things: each is told that there are none, and no text crosses."""

import json
from dataclasses import dataclass

import pytest

from functions.conversations.commands import ask_question, start_conversation
from functions.conversations.queries import get_conversation, get_question, list_conversation_questions
from functions.videos.queries import get_timeline, get_transcript, get_video, search_moments, search_workspace_moments
from shared.http.endpoint import Endpoint
from tests.support.analysed_videos import ready_video
from tests.support.aws import Aws
from tests.support.http import Answer, Caller
from tests.support.indexing import index_moments_of_videos
from tests.support.videos import with_query
from tests.support.workspaces import OwnedWorkspace, open_workspace

TOPIC = "The dragon guards the treasure of the mountain"
QUESTIONS = (
    "What does the dragon guard?",
    "What is this video about?",
    "When is the treasure mentioned?",
    "How many times is the dragon mentioned?",
    "What is the first thing said?",
    "Which video mentions the dragon?",
    "What is said at 0:00?",
)


@dataclass(slots=True)
class Tenant:
    """A workspace whose two videos say its marker wherever they say anything."""

    aws: Aws
    workspace: OwnedWorkspace
    marker: str
    videos: tuple[str, ...] = ()
    conversation: str = ""
    question: str = ""
    keys: int = 0

    def send(self, endpoint: Endpoint, path: str, body: object = None) -> Answer:
        self.keys += 1
        key = f"{self.marker}-{self.keys}" if endpoint.method == "POST" else None
        return Caller(self.aws.runtime, self.workspace.owner).send(endpoint, path, body, idempotency_key=key)

    def path(self, rest: str, of: "Tenant | None" = None) -> str:
        return f"{(of or self).workspace.path}/{rest}"

    def ask(self, question: str) -> Answer:
        return self.send(ask_question.ENDPOINT, f"{self.conversation}/questions", {"question": question})


def tenant(aws: Aws, marker: str) -> Tenant:
    one = Tenant(aws, open_workspace(aws), marker)
    said = ((0, 4_000, f"{TOPIC}, says {marker}."), (4_000, 8_000, f"{marker} tells of the dragon again."))
    one.videos = tuple(ready_video(aws, one.workspace.workspace_id, said) for _ in range(2))
    started = one.send(start_conversation.ENDPOINT, one.path("conversations"), {"video_ids": one.videos})
    one.conversation = started.headers["location"]
    asked = one.ask(QUESTIONS[0])
    assert asked.json["grounded"], asked
    one.question = asked.headers["location"]
    return one


@pytest.fixture
def tenants(aws: Aws) -> tuple[Tenant, Tenant]:
    both = tenant(aws, "ALBATROSS"), tenant(aws, "BARRACUDA")
    index_moments_of_videos(aws)
    return both


def elsewhere(path: str, asker: Tenant, owner: Tenant) -> str:
    """The same thing asked for as if it were the asker's own."""
    return path.replace(owner.workspace.workspace_id, asker.workspace.workspace_id)


def test_what_is_anothers_answers_as_what_never_was(tenants: tuple[Tenant, Tenant]) -> None:
    for asker, owner in (tenants, tenants[::-1]):
        video = owner.path(f"videos/{owner.videos[0]}")
        reads = [
            (get_video.ENDPOINT, video),
            (get_timeline.ENDPOINT, f"{video}/timeline"),
            (get_transcript.ENDPOINT, f"{video}/transcript"),
            (search_moments.ENDPOINT, f"{video}/moments?q=dragon"),
            (get_conversation.ENDPOINT, owner.conversation),
            (list_conversation_questions.ENDPOINT, f"{owner.conversation}/questions"),
            (get_question.ENDPOINT, owner.question),
        ]
        never = asker.aws.ids.new()
        for endpoint, path in reads:
            own = elsewhere(path, asker, owner)
            for tried in (path, own):
                answer = asker.send(endpoint, tried)
                assert (answer.status, answer.problem) == (404, "not-found"), tried
                assert owner.marker not in json.dumps(answer.json)
            for thing in (*owner.videos, *owner.conversation.split("/")[-1:], *owner.question.split("/")[-1:]):
                own = own.replace(thing, never)
            assert asker.send(endpoint, own).json["detail"] == asker.send(endpoint, path).json["detail"]
        search = asker.send(search_workspace_moments.ENDPOINT, owner.path("moments?q=dragon"))
        assert search.problem == "not-found"
        for conversation in (owner.conversation, elsewhere(owner.conversation, asker, owner)):
            asked = asker.send(ask_question.ENDPOINT, f"{conversation}/questions", {"question": QUESTIONS[0]})
            assert asked.problem == "not-found"
        started = asker.send(start_conversation.ENDPOINT, asker.path("conversations"), {"video_ids": owner.videos})
        assert started.problem == "not-found"
        mixed = {"video_ids": [asker.videos[0], owner.videos[0]]}
        assert asker.send(start_conversation.ENDPOINT, asker.path("conversations"), mixed).problem == "not-found"


def test_no_text_of_another_workspace_is_found_or_answered(tenants: tuple[Tenant, Tenant]) -> None:
    for asker, owner in (tenants, tenants[::-1]):
        for words in ("dragon", "treasure of the mountain", owner.marker, "a monster that hoards gold"):
            found = asker.send(search_workspace_moments.ENDPOINT, with_query(asker.path("moments"), q=words, limit=100))
            assert found.status == 200
            assert {one["video_id"] for one in found.json["items"]} <= set(asker.videos)
            assert owner.marker not in json.dumps(found.json)
        for question in (*QUESTIONS, f"What does {owner.marker} say?", f'When does it say "{owner.marker}"?'):
            answer = asker.ask(question)
            assert answer.status == 201
            assert {one["video_id"] for one in answer.json["citations"]} <= set(asker.videos)
            assert owner.marker not in json.dumps({**answer.json, "question": ""})


def test_a_conversation_is_about_its_own_videos_and_no_others_of_the_workspace(aws: Aws) -> None:
    one = tenant(aws, "ALBATROSS")
    ready_video(aws, one.workspace.workspace_id, ((0, 4_000, "The dragon sleeps, says CORMORANT."),))
    for question in (*QUESTIONS, "What does CORMORANT say?", "Does the dragon sleep?"):
        answer = one.ask(question)
        assert "CORMORANT" not in json.dumps({**answer.json, "question": ""})
        assert {cited["video_id"] for cited in answer.json["citations"]} <= set(one.videos)


def test_cursors_do_not_cross(tenants: tuple[Tenant, Tenant]) -> None:
    asker, owner = tenants
    for endpoint, of_owner, of_asker in (
        (search_workspace_moments.ENDPOINT, owner.path("moments"), asker.path("moments")),
        (
            search_moments.ENDPOINT,
            owner.path(f"videos/{owner.videos[0]}/moments"),
            asker.path(f"videos/{asker.videos[0]}/moments"),
        ),
    ):
        cursor = owner.send(endpoint, with_query(of_owner, q="dragon", limit=1)).json["next_cursor"]
        assert cursor is not None
        refused = asker.send(endpoint, with_query(of_asker, q="dragon", limit=1, cursor=cursor))
        assert refused.problem == "malformed-request"
        assert owner.marker not in json.dumps(refused.json)
