"""Which behaviors a policy asks for, in which order, and which grants follow."""

from collections.abc import Callable
from typing import Any

import pytest

from shared.aws.grants import AUDIT_APPEND, DATA_READ, DATA_WRITE, EPHEMERAL_READ, EPHEMERAL_WRITE, OUTBOX_APPEND, Grant
from shared.aws.settings import Settings
from shared.behaviors.idempotency import Idempotency as KeyBehavior
from shared.behaviors.order import request_behaviors
from shared.cqrs.messages import Command, Message, Query
from shared.cqrs.policy import Caching, Idempotency, Limit, Per, Policy, RateLimit
from shared.http.endpoint import command, query
from shared.kernel.principals import Principal
from shared.kernel.result import Result, Success
from shared.persistence.scope import Runtime

LIMITED = RateLimit(feature="painting", limits=(Limit(per=Per.USER, requests=1, window_seconds=1),))
EVERYTHING = Policy(
    permission="fences:paint",
    access_rule=lambda _message, _context: None,
    rate_limit=LIMITED,
    idempotency=Idempotency.REQUIRED,
    audit="PaintFence",
)


class PaintFence(Command[None]): ...


class GetFence(Query[None]): ...


class Nobody:
    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        return None


def build(_scope: object) -> Callable[[Any], Result[None]]:
    return lambda _message: Success(None)


def names(message: type[Message], policy: Policy) -> list[str]:
    """The behaviors of a chain, the outermost first."""
    return [type(behavior).__name__ for behavior in request_behaviors(message, policy, Runtime(), Nobody())]


def test_a_command_whose_policy_asks_for_everything_has_everything_in_order() -> None:
    assert names(PaintFence, EVERYTHING) == [
        "Logging",
        "ErrorBoundary",
        "Authorization",
        "RateLimiting",
        "Validation",
        "AccessRule",
        "Idempotency",
        "Audit",
    ]


@pytest.mark.parametrize(
    ("claims_key", "stage", "claims"),
    [
        (False, {"BANK": "a-bank"}, False),
        (True, {}, True),
        ("BANK", {"BANK": "a-bank"}, True),
        ("BANK", {"BANK": ""}, False),
        ("BANK", {}, False),
    ],
)
def test_a_key_is_claimed_in_stages_that_have_the_service(
    claims_key: bool | str, stage: dict[str, str], claims: bool
) -> None:
    policy = Policy(idempotency=Idempotency.REQUIRED, claims_key=claims_key)
    behaviors = request_behaviors(PaintFence, policy, Runtime(Settings(stage)), Nobody())
    (keys,) = (one for one in behaviors if isinstance(one, KeyBehavior))
    assert keys.claims_key is claims


def test_a_query_is_cached_behind_its_validation() -> None:
    policy = Policy(permission="fences:read", rate_limit=LIMITED, caching=Caching(ttl_seconds=1))
    assert names(GetFence, policy)[2:] == ["Authorization", "RateLimiting", "Validation", "Caching"]


def test_what_a_policy_does_not_ask_for_is_not_in_the_chain() -> None:
    bare = ["Logging", "ErrorBoundary", "Authorization", "Validation"]
    assert names(PaintFence, Policy()) == names(GetFence, Policy(public=True)) == bare


@pytest.mark.parametrize(
    ("policy", "more"),
    [
        (Policy(), set[Grant]()),
        (Policy(rate_limit=LIMITED), {EPHEMERAL_WRITE}),
        (Policy(idempotency=Idempotency.OPTIONAL), {EPHEMERAL_WRITE}),
        (Policy(audit="PaintFence"), {AUDIT_APPEND}),
        (EVERYTHING, {EPHEMERAL_WRITE, AUDIT_APPEND}),
    ],
)
def test_the_grants_of_an_endpoint_follow_from_its_policy(policy: Policy, more: set[Grant]) -> None:
    painting = command("POST", "/v1/fences", PaintFence, build, status=204, policy=policy, summary="Paint")
    assert painting.grants == {DATA_READ, DATA_WRITE, OUTBOX_APPEND} | more


@pytest.mark.parametrize(
    ("caching", "more"),
    [
        (Caching(ttl_seconds=1), set[Grant]()),
        (Caching(ttl_seconds=1, tags=lambda _query: ("fence",)), {EPHEMERAL_READ}),
        (Caching(ttl_seconds=1, shared=True), {EPHEMERAL_READ, EPHEMERAL_WRITE}),
    ],
)
def test_the_grants_of_a_cached_query_follow_from_where_its_answers_are(caching: Caching, more: set[Grant]) -> None:
    looking = query("/v1/fences", GetFence, build, policy=Policy(caching=caching), summary="Look")
    assert looking.grants == {DATA_READ} | more


def test_a_query_gets_no_more_than_its_limit_needs() -> None:
    looking = query("/v1/fences", GetFence, build, policy=Policy(rate_limit=LIMITED), summary="Look")
    assert looking.grants == {DATA_READ, EPHEMERAL_WRITE}


def test_a_policy_that_cannot_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="changes nothing"):
        Policy(caching=Caching(ttl_seconds=1), audit="PaintFence")
    with pytest.raises(ValueError, match="at most a day"):
        Caching(ttl_seconds=86_401)
    with pytest.raises(ValueError, match="none to claim"):
        Policy(claims_key=True)
    with pytest.raises(ValueError, match="at least one request"):
        Limit(per=Per.USER, requests=0, window_seconds=60)
