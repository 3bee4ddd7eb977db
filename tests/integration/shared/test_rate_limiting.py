"""Sliding windows, counted by one conditional write per limit."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.behaviors.rate_limiting import RateLimiting
from shared.cqrs.messages import Command
from shared.cqrs.pipeline import Context, Unread
from shared.cqrs.policy import Limit, Per, RateLimit
from shared.kernel.errors import Conflict, RateLimited
from shared.kernel.principals import Anonymous, Principal, User
from shared.kernel.result import Failure, Result, Success
from tests.support.aws import Aws, CountedCalls

ANN, BOB = User("ann", "s-1"), User("bob", "s-2")


class Paint(Command[None]): ...


class Tiers:
    def __init__(self, limits: Sequence[Limit]) -> None:
        self._limits = limits

    def limits(self, feature: str, workspace_id: str | None) -> Sequence[Limit]:
        return self._limits


class Painter:
    """Sends requests through a limit; `now` tells whether each passed, or when to come back."""

    def __init__(self, aws: Aws, *limits: Limit, feature: str = "painting") -> None:
        self._aws = aws
        policy = RateLimit(feature=feature, account=lambda fields: str(fields["account"]) if fields else None)
        self._behavior = RateLimiting(policy, aws.runtime, Tiers(limits))

    def send(
        self,
        principal: Principal = ANN,
        workspace_id: str | None = "w-1",
        source: str | None = "s-1",
        fields: Mapping[str, object] | None = None,
        answer: Result[Any] | None = None,
    ) -> int:
        """0 when the request passed, otherwise the seconds of `Retry-After`."""
        now = self._aws.clock.now()
        context = Context(
            message_id=self._aws.ids.new(),
            correlation_id="c",
            received_at=now,
            deadline=now,
            principal=principal,
            workspace_id=workspace_id,
            source=source,
        )
        limited = self._behavior(lambda _message, _context: answer or Success(None))
        result = limited(Unread(Paint, lambda: fields or {}), context)
        if isinstance(result, Failure) and isinstance(result.error, RateLimited):
            return result.error.retry_after_seconds
        return 0


def limit(per: Per = Per.WORKSPACE, requests: int = 3, seconds: int = 60, *, spares_successes: bool = False) -> Limit:
    return Limit(per=per, requests=requests, window_seconds=seconds, spares_successes=spares_successes)


def test_a_limit_lets_as_many_pass_as_it_says(aws: Aws) -> None:
    painter = Painter(aws, limit(requests=3))
    assert [painter.send() > 0 for _ in range(5)] == [False, False, False, True, True]


@pytest.mark.parametrize("requests", [1, 3, 10, 100])
@pytest.mark.parametrize("offset", [0, 1, 17.5, 59.999])
def test_a_request_passes_after_the_time_it_was_told_and_not_a_second_earlier(
    aws: Aws, requests: int, offset: float
) -> None:
    painter = Painter(aws, limit(requests=requests))
    aws.clock.advance(seconds=offset)
    for _ in range(requests):
        assert painter.send() == 0
    for _ in range(3):
        wait = painter.send()
        assert 1 <= wait <= 120
        aws.clock.advance(seconds=wait - 1)
        assert painter.send() > 0, "a second too early"
        aws.clock.advance(seconds=1)
        assert painter.send() == 0, "when it was told"
        while painter.send() == 0:
            pass


def test_the_window_slides_so_a_full_one_is_not_followed_by_another_at_once(aws: Aws) -> None:
    painter = Painter(aws, limit(requests=10, seconds=60))
    aws.clock.advance(seconds=59)
    assert sum(painter.send() == 0 for _ in range(20)) == 10
    aws.clock.advance(seconds=2)
    assert sum(painter.send() == 0 for _ in range(20)) == 0, "59/60 of the previous window are still in sight"
    aws.clock.advance(seconds=29)
    assert sum(painter.send() == 0 for _ in range(20)) == 5
    aws.clock.advance(minutes=5)
    assert sum(painter.send() == 0 for _ in range(20)) == 10


def test_a_saturated_workspace_costs_no_other_workspace(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.WORKSPACE, 3), limit(Per.USER, 5))
    waits = [painter.send(workspace_id="w-1") for _ in range(50)]
    assert waits[:3] == [0, 0, 0]
    assert all(waits[3:])
    assert painter.send(BOB, workspace_id="w-2") == 0
    # Those that the workspace refused don't count for the user: 3 of 5 are used.
    assert [painter.send(ANN, workspace_id="w-2") for _ in range(2)] == [0, 0]
    assert painter.send(ANN, workspace_id="w-3") > 0


def test_a_flooding_user_costs_no_colleague(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.USER, 2), limit(Per.WORKSPACE, 4))
    assert [painter.send(ANN) > 0 for _ in range(30)].count(False) == 2
    assert [painter.send(BOB) for _ in range(2)] == [0, 0]


def test_a_member_counts_in_each_workspace_alone(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.MEMBER, 1))
    assert painter.send(ANN, workspace_id="w-1") == painter.send(ANN, workspace_id="w-2") == 0
    assert painter.send(BOB, workspace_id="w-1") == 0
    assert painter.send(ANN, workspace_id="w-1") > 0
    assert painter.send(Anonymous(), workspace_id="w-1") == painter.send(ANN, workspace_id=None) == 0


def test_of_several_full_limits_the_one_that_lasts_longest_is_told(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.USER, 10), limit(Per.FEATURE, 4), limit(Per.WORKSPACE, 100))
    other = Painter(aws, limit(Per.USER, 10), feature="asking")
    assert [painter.send() for _ in range(4)] == [0] * 4
    assert [other.send() for _ in range(6)] == [0] * 6
    user, feature = other.send(), painter.send()
    assert 60 < user < feature, "both are full, and the lower limit has room later"
    aws.clock.advance(seconds=feature - 1)
    assert painter.send() > 0
    aws.clock.advance(seconds=1)
    assert painter.send() == 0


def test_features_have_limits_of_their_own(aws: Aws) -> None:
    painting, asking = Painter(aws, limit(Per.FEATURE, 1)), Painter(aws, limit(Per.FEATURE, 1), feature="asking")
    assert painting.send() == asking.send() == 0
    assert painting.send() > 0


def test_every_environment_counts_with_the_others(aws: Aws) -> None:
    painters = [Painter(aws, limit(requests=5)) for _ in range(4)]
    assert sum(painter.send() == 0 for painter in painters * 5) == 5
    aws.clock.advance(seconds=30)
    aws.clock.advance(seconds=60)
    assert sum(painter.send() == 0 for painter in painters * 5) == 2, "half of the previous window is in sight"


def test_guesses_count_and_right_answers_do_not(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.SOURCE_AND_ACCOUNT, 2, spares_successes=True))
    about = {"account": "ann@example.org"}
    wrong = Failure(Conflict("wrong"))
    assert [painter.send(Anonymous(), fields=about) for _ in range(5)] == [0] * 5
    assert [painter.send(Anonymous(), fields=about, answer=wrong) > 0 for _ in range(3)] == [False, False, True]
    assert painter.send(Anonymous(), fields=about) > 0, "the right one too, or guessing would go on"
    assert painter.send(Anonymous(), fields=about, source="s-2") == 0, "the owner elsewhere isn't locked out"
    assert painter.send(Anonymous(), fields={"account": "bob@example.org"}, answer=wrong) == 0


def test_nothing_that_was_given_is_kept_or_needed(aws: Aws) -> None:
    painter = Painter(aws, limit(Per.ACCOUNT), limit(Per.SOURCE), limit(Per.USER))
    assert painter.send(Anonymous(), fields={"account": "ann@example.org"}) == 0
    assert painter.send(Anonymous(), workspace_id=None, source=None) == 0
    assert "ann@example.org" not in str(aws.items("ephemeral"))


def test_a_subject_whose_counter_is_throttled_waits_and_costs_its_other_limits_nothing(aws: Aws) -> None:
    class Throttling:
        def __init__(self, client: Any) -> None:
            self._client = client

        def __getattr__(self, name: str) -> Any:
            return getattr(self._client, name)

        def update_item(self, **request: Any) -> Any:
            if "workspace#" in str(request["Key"]):
                raise ClientError({"Error": {"Code": "ThrottlingException"}}, "UpdateItem")
            return self._client.update_item(**request)

    painter = Painter(aws, limit(Per.USER, 1), limit(Per.WORKSPACE, 10))
    aws.fakes["dynamodb"] = Throttling(aws.client("dynamodb"))
    assert painter.send() == 1
    del aws.fakes["dynamodb"]
    assert Painter(aws, limit(Per.USER, 1)).send() == 0


def test_a_request_costs_one_write_for_each_limit(aws: Aws) -> None:
    counted = CountedCalls(aws.client("dynamodb"))
    aws.fakes["dynamodb"] = counted
    painter = Painter(aws, limit(Per.USER, 10), limit(Per.WORKSPACE, 10))
    for _ in range(5):
        painter.send()
    assert counted.operations == ["update_item"] * 10
    aws.clock.advance(seconds=60)
    painter.send()
    assert len(counted.operations) <= 14, "each counter is found a window behind, once"
    counted.operations.clear()
    for _ in range(3):
        painter.send()
    assert counted.operations == ["update_item"] * 6
