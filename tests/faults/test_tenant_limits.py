"""What a tier allows holds for many clients at once, and one tenant's flood is its own affair.

Each client is a process of its own, that knows nothing of what the others have counted. They share a clock.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from functions.billing.adapters.rates import TierLimits
from functions.billing.domain.tiers import FREE, Rates, Tier
from functions.billing.public import RatedFeature
from functions.conversations.commands import start_conversation
from functions.videos.commands import request_analysis
from functions.workspaces.adapters.rows import COLLABORATOR, workspace_partition
from functions.workspaces.commands import create_workspace
from functions.workspaces.public import workspace_access
from shared.behaviors.order import request_chain
from shared.cqrs.pipeline import Proceed
from shared.http.endpoint import Endpoint
from shared.kernel.principals import User
from shared.persistence.rows import key_of
from shared.persistence.scope import Runtime
from tests.faults.stage import Stage
from tests.support.clock import FakeClock
from tests.support.http import Answer, Caller

pytestmark = pytest.mark.xdist_group("faults")

CLIENTS = 8
NOTHING = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"
PASSED = 404
"""What is asked about isn't there, which the limits don't know."""
ANALYSES = FREE.rates.features[RatedFeature.ANALYSES]


class Client:
    def __init__(self, town: "Town", user: User, workspace_id: str) -> None:
        self._caller = Caller(town.stage.runtime(clock=town.clock), user, town.compose)
        self._town = town
        self._path = f"/v1/workspaces/{workspace_id}"

    def analyse(self) -> Answer:
        path = f"{self._path}/videos/{NOTHING}/analyses"
        return self._caller.send(request_analysis.ENDPOINT, path, {}, idempotency_key="key")

    def converse(self) -> Answer:
        return self._caller.send(start_conversation.ENDPOINT, f"{self._path}/conversations", {"video_ids": [NOTHING]})


class Town:
    """Workspaces of one tier on one stage."""

    def __init__(self, stage: Stage, tier: Tier = FREE) -> None:
        self.stage = stage
        self.clock = FakeClock()
        self._tier = tier
        self._runtime = stage.runtime(clock=self.clock)

    def compose(self, endpoint: Endpoint, runtime: Runtime) -> Proceed:
        tiers = TierLimits(runtime, {self._tier.name: self._tier})
        access = workspace_access(runtime)
        return request_chain(endpoint.message, endpoint.policy, endpoint.build, runtime, access, tiers=tiers)

    def user(self) -> User:
        return User(user_id=self._runtime.ids.new(), session_id=self._runtime.ids.new())

    def open(self, owner: User) -> str:
        answer = Caller(self._runtime, owner).send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": "Studio"})
        workspace_id: str = answer.json["workspace_id"]
        return workspace_id

    def join(self, workspace_id: str, user: User) -> None:
        key = key_of(workspace_partition(workspace_id), COLLABORATOR + user.user_id)
        member = {"role": {"S": "editor"}, "joined_at": {"S": "2026-03-01T12:00:00.000Z"}}
        self.stage.emulator.dynamodb.put_item(TableName=self.stage.settings.table("data"), Item={**key, **member})


def at_once(*asks: Callable[[], Answer]) -> Counter[int]:
    """The statuses of requests that are sent at the same time, each client's own one after another."""
    with ThreadPoolExecutor(CLIENTS) as pool:
        return Counter(answer.status for answer in pool.map(lambda ask: ask(), asks))


def wait_seconds(answer: Answer) -> int:
    assert (answer.status, answer.problem) == (429, "rate-limited")
    return int(answer.headers["retry-after"])


def test_a_saturated_workspace_waits_as_long_as_it_is_told_and_another_does_not(stage: Stage) -> None:
    town = Town(stage)
    ann, bob = town.user(), town.user()
    saturated, calm = town.open(ann), town.open(bob)
    clients = [Client(town, ann, saturated) for _ in range(CLIENTS)]
    neighbour = Client(town, bob, calm)

    flood = [client.analyse for _ in range(15) for client in clients]
    statuses = at_once(*flood)

    assert statuses == {PASSED: ANALYSES, 429: len(flood) - ANALYSES}
    assert at_once(*[neighbour.analyse] * 20) == {PASSED: 20}
    wait = wait_seconds(clients[0].analyse())
    town.clock.advance(seconds=wait - 1)
    assert at_once(*[client.analyse for client in clients]) == {429: CLIENTS}
    town.clock.advance(seconds=1)
    assert at_once(*[client.analyse for client in clients])[PASSED] >= 1


SMALL = replace(FREE, rates=Rates(member=10, workspace=16, features={RatedFeature.ANALYSES: 4}))


def test_a_colleague_who_floods_leaves_room_for_the_others(stage: Stage) -> None:
    town = Town(stage, SMALL)
    ann, bob, cid = town.user(), town.user(), town.user()
    workspace_id, other = town.open(ann), town.open(ann)
    town.join(workspace_id, bob)
    town.join(workspace_id, cid)
    flooding = [Client(town, ann, workspace_id) for _ in range(CLIENTS)]
    colleague, late = Client(town, bob, workspace_id), Client(town, cid, workspace_id)

    assert at_once(*[client.converse for _ in range(4) for client in flooding]) == {PASSED: 10, 429: 22}

    assert at_once(*[colleague.converse] * 8) == {PASSED: 6, 429: 2}, "the workspace's limit, not the colleague's own"
    assert late.converse().status == 429
    assert at_once(*[Client(town, ann, other).converse] * 10) == {PASSED: 10}, "ann elsewhere"
    wait = wait_seconds(late.converse())
    town.clock.advance(seconds=wait - 1)
    assert late.converse().status == 429
    town.clock.advance(seconds=1)
    assert late.converse().status == PASSED


def test_a_feature_at_its_limit_leaves_the_others_theirs(stage: Stage) -> None:
    town = Town(stage, SMALL)
    ann = town.user()
    workspace_id = town.open(ann)
    clients = [Client(town, ann, workspace_id) for _ in range(CLIENTS)]

    assert at_once(*[client.analyse for _ in range(3) for client in clients]) == {PASSED: 4, 429: 20}

    # What the feature refused counts neither for ann nor for the workspace: 6 of her 10 are left.
    assert at_once(*[client.converse for client in clients]) == {PASSED: 6, 429: 2}
    wait = wait_seconds(clients[0].analyse())
    town.clock.advance(seconds=wait - 1)
    assert clients[0].analyse().status == 429
    town.clock.advance(seconds=1)
    assert clients[0].analyse().status == PASSED
