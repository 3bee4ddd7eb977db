import threading
import time
from collections.abc import Callable
from typing import Any, NoReturn

import pytest

from shared.aws.settings import Settings
from shared.behaviors.answers import AnswerCache, CachedAnswer
from shared.behaviors.caching import Caching
from shared.behaviors.order import request_chain
from shared.cqrs.messages import Command, Query
from shared.cqrs.pipeline import Context
from shared.cqrs.policy import Caching as CachingPolicy
from shared.cqrs.policy import Policy
from shared.kernel.errors import Conflict
from shared.kernel.principals import Anonymous, Principal, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import Runtime
from tests.support.clock import FakeClock

ANN, BOB = User("ann", "s-1"), User("bob", "s-2")
EDITOR, VIEWER = frozenset({"read", "write"}), frozenset({"read"})


class GetFence(Query[str]):
    fence: str = "f"


class PaintFence(Command[str]): ...


def nobody(service: str) -> NoReturn:
    raise AssertionError(f"a client of {service}")


class Asking:
    """Asks through the cache; every answer that is made anew has a new number."""

    def __init__(self, *, per_caller: bool = False) -> None:
        self.clock = FakeClock()
        policy = CachingPolicy(ttl_seconds=60, per_caller=per_caller)
        # Without tags and a shared store nothing is asked of any table.
        self._behavior = Caching(policy, GetFence, Runtime(Settings({}), self.clock, client=nobody))
        self.made = 0

    def ask(
        self,
        fence: str = "f",
        *,
        principal: Principal = ANN,
        workspace_id: str | None = "w-1",
        permissions: frozenset[str] = VIEWER,
        answer: Callable[[int], Result[Any]] = Success,
    ) -> Any:
        now = self.clock.now()
        context = Context(message_id="m", correlation_id="c", received_at=now, deadline=now, principal=principal)
        context.workspace_id, context.permissions = workspace_id, permissions

        def make(_query: GetFence, _context: Context) -> Result[Any]:
            self.made += 1
            return answer(self.made)

        result = self._behavior(make)(GetFence(fence=fence), context)
        return result.value if isinstance(result, Success) else result.error


def test_an_answer_is_kept_for_its_time() -> None:
    asking = Asking()
    assert [asking.ask(), asking.ask(), asking.ask("g")] == [1, 1, 2]
    asking.clock.advance(seconds=59)
    assert asking.ask() == 1
    asking.clock.advance(seconds=1)
    assert asking.ask() == 3


def test_an_answer_crosses_neither_workspaces_nor_roles() -> None:
    asking = Asking()
    first = asking.ask()
    assert asking.ask(principal=BOB) == first, "a colleague of the same role"
    others = [
        asking.ask(workspace_id="w-2"),
        asking.ask(permissions=EDITOR),
        asking.ask(workspace_id=None, permissions=frozenset()),
        asking.ask(workspace_id=None, permissions=frozenset(), principal=BOB),
        asking.ask(workspace_id=None, permissions=frozenset(), principal=Anonymous()),
        asking.ask(permissions=frozenset()),
        asking.ask(permissions=frozenset(), principal=BOB),
    ]
    assert len({first, *others}) == 1 + len(others)


def test_an_answer_for_one_caller_is_no_colleagues() -> None:
    asking = Asking(per_caller=True)
    assert asking.ask() != asking.ask(principal=BOB)


def test_a_failure_is_never_kept() -> None:
    asking = Asking()
    assert isinstance(asking.ask(answer=lambda _: Failure(Conflict("no"))), Conflict)
    assert asking.ask() == 2
    with pytest.raises(RuntimeError):
        asking.ask("g", answer=lambda _: (_ for _ in ()).throw(RuntimeError))
    assert asking.ask("g") == 4


def test_many_who_ask_at_once_make_one_answer() -> None:
    asking = Asking()
    start = threading.Barrier(16)
    answers: list[object] = []

    def slowly(number: int) -> Result[Any]:
        time.sleep(0.05)
        return Success(number)

    def ask() -> None:
        start.wait()
        answers.append(asking.ask(answer=slowly))

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [1] * 16


def test_those_who_wait_for_a_failure_ask_themselves() -> None:
    asking = Asking()
    failing = threading.Event()

    def fail(_number: int) -> Result[Any]:
        failing.set()
        time.sleep(0.05)
        return Failure(Conflict("no"))

    thread = threading.Thread(target=asking.ask, kwargs={"answer": fail})
    thread.start()
    assert failing.wait(5)
    assert asking.ask() == 2
    thread.join()


def test_the_cache_is_bounded_and_keeps_what_was_used_last() -> None:
    cache = AnswerCache(max_answers=2)

    def get(key: str) -> bool:
        """Whether the answer had to be made."""
        if cache.find(key, [], 0) is not None:
            return False
        cache.keep(key, CachedAnswer(Success(key), [], 1))
        return True

    assert [get("a"), get("b"), get("a"), get("c"), get("a"), get("b")] == [True, True, False, True, False, True]


def test_a_policy_asks_only_for_what_its_kind_of_message_can_have() -> None:
    class Nobody:
        def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
            return None

    def build(_scope: object) -> Callable[[Any], Result[Any]]:
        return lambda _message: Success("")

    with pytest.raises(ValueError, match="can't be cached"):
        request_chain(PaintFence, Policy(caching=CachingPolicy(ttl_seconds=1)), build, Runtime(), Nobody())
    with pytest.raises(ValueError, match="audit"):
        request_chain(GetFence, Policy(audit="GetFence"), build, Runtime(), Nobody())
