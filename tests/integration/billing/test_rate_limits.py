"""How often a workspace may ask, by its tier. The counting itself is tested with the behavior."""

from collections.abc import Sequence

import pytest

from functions.billing.adapters.rates import TierLimits
from functions.billing.adapters.rows import SUBSCRIPTION, credits_partition
from functions.billing.domain.tiers import ENTERPRISE, FREE, NO_WORKSPACE, PRO, TIERS, Tier
from functions.billing.public import RatedFeature
from functions.conversations.commands import start_conversation
from functions.videos.commands import request_analysis
from functions.videos.queries import get_video
from functions.workspaces.commands import create_workspace
from shared.cqrs.policy import Limit, Per
from shared.kernel.principals import User
from shared.persistence.rows import key_of
from tests.support.aws import Aws, CountedCalls
from tests.support.http import Answer, Caller
from tests.support.workspaces import OwnedWorkspace, open_workspace

NO_VIDEO = "0190a5a2-7c1b-7e44-8d5c-1f2e3d4c5b6a"
ANALYSES = FREE.rates.features[RatedFeature.ANALYSES]


def analyse(aws: Aws, workspace: OwnedWorkspace, sender: User | None = None) -> Answer:
    """404 when it passes: there is no such video."""
    path = f"{workspace.path}/videos/{NO_VIDEO}/analyses"
    caller = Caller(aws.runtime, sender or workspace.owner)
    return caller.send(request_analysis.ENDPOINT, path, {}, idempotency_key=aws.ids.new())


def converse(aws: Aws, workspace: OwnedWorkspace) -> Answer:
    path = f"{workspace.path}/conversations"
    return Caller(aws.runtime, workspace.owner).send(start_conversation.ENDPOINT, path, {"video_ids": [NO_VIDEO]})


def subscribe(aws: Aws, workspace_id: str, tier: str) -> None:
    aws.client("dynamodb").update_item(
        TableName=aws.settings.table("data"),
        Key=key_of(credits_partition(workspace_id), SUBSCRIPTION),
        UpdateExpression="SET tier = :tier",
        ExpressionAttributeValues={":tier": {"S": tier}},
    )


def requests(limits: Sequence[Limit]) -> dict[Per, int]:
    return {limit.per: limit.requests for limit in limits}


@pytest.mark.parametrize("tier", TIERS.values(), ids=TIERS)
def test_neither_a_member_nor_a_feature_takes_more_than_half_of_a_workspace(tier: Tier) -> None:
    rates = tier.rates
    assert max(rates.member, *rates.features.values()) <= rates.workspace // 2


def test_a_greater_tier_allows_more_of_everything() -> None:
    for lesser, greater in ((FREE, PRO), (PRO, ENTERPRISE)):
        assert lesser.rates.features.keys() == greater.rates.features.keys()
        for feature in RatedFeature:
            less, more = requests(lesser.rates.limits(feature)), requests(greater.rates.limits(feature))
            assert all(less[per] < more[per] for per in (*less, *more))


def test_a_workspace_at_its_limit_is_told_when_to_come_back(aws: Aws) -> None:
    workspace, other = open_workspace(aws), open_workspace(aws)
    assert [analyse(aws, workspace).status for _ in range(ANALYSES)] == [404] * ANALYSES

    refused = analyse(aws, workspace)

    assert (refused.status, refused.problem) == (429, "rate-limited")
    wait = int(refused.headers["retry-after"])
    assert analyse(aws, other).status == 404, "another workspace of the same tier"
    assert converse(aws, workspace).status == 404, "another feature"
    reading = Caller(aws.runtime, workspace.owner).send(get_video.ENDPOINT, f"{workspace.path}/videos/{NO_VIDEO}")
    assert reading.status == 404, "reading has no limit"
    aws.clock.advance(seconds=wait - 1)
    assert analyse(aws, workspace).status == 429
    aws.clock.advance(seconds=1)
    assert analyse(aws, workspace).status == 404


def test_a_stranger_uses_up_nothing(aws: Aws) -> None:
    workspace, stranger = open_workspace(aws), open_workspace(aws).owner
    before = aws.items("ephemeral")
    assert {analyse(aws, workspace, stranger).status for _ in range(ANALYSES + 1)} == {404}
    assert aws.items("ephemeral") == before
    assert analyse(aws, workspace).status == 404


def test_outside_of_workspaces_a_caller_counts_alone(aws: Aws) -> None:
    (limit,) = NO_WORKSPACE
    ann, bob = (User(user_id=aws.ids.new(), session_id=aws.ids.new()) for _ in range(2))

    def create(user: User) -> int:
        return Caller(aws.runtime, user).send(create_workspace.ENDPOINT, "/v1/workspaces", {"name": ""}).status

    assert [create(ann) for _ in range(limit.requests + 1)] == [422] * limit.requests + [429]
    assert create(bob) == 422


def test_a_change_of_tier_is_noticed_within_a_minute(aws: Aws) -> None:
    workspace_id = open_workspace(aws).workspace_id
    limits = TierLimits(aws.runtime)
    assert limits.limits("uploads", workspace_id) == FREE.rates.limits(RatedFeature.UPLOADS)
    subscribe(aws, workspace_id, "pro")
    aws.clock.advance(seconds=59)
    assert limits.limits("uploads", workspace_id) == FREE.rates.limits(RatedFeature.UPLOADS)
    aws.clock.advance(seconds=1)
    assert limits.limits("uploads", workspace_id) == PRO.rates.limits(RatedFeature.UPLOADS)


def test_the_tier_is_read_once_a_minute(aws: Aws) -> None:
    workspace_id = open_workspace(aws).workspace_id
    counted = CountedCalls(aws.client("dynamodb"))
    aws.fakes["dynamodb"] = counted
    limits = TierLimits(aws.runtime)
    for _ in range(10):
        limits.limits("questions", workspace_id)
    assert counted.operations == ["get_item"]
