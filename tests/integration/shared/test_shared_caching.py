"""Answers that other processes made, and changes that other processes committed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from shared.behaviors.order import request_chain
from shared.behaviors.shared_answers import MAX_SHARED_BYTES
from shared.cqrs.messages import Query, View
from shared.cqrs.pipeline import Context, Proceed
from shared.cqrs.policy import Caching, Policy
from shared.kernel.errors import Conflict, DomainError
from shared.kernel.principals import Principal, User
from shared.kernel.result import Failure, Result, Success
from shared.persistence.scope import ReadScope, WriteScope
from shared.persistence.tags import raise_tag
from tests.support.aws import Aws

WORKSPACE = "0195f0a0-0000-7000-8000-000000000001"
OTHER = "0195f0a0-0000-7000-8000-000000000002"
ANN = User("ann", "s-1")


class Fence(View):
    number: int
    paint: str = ""


class GetFence(Query[Fence]):
    fence: str = "f"


@dataclass
class Processes:
    """Many processes of one stage, each with a chain of its own. Every answer that is made anew has a new number."""

    aws: Aws
    shared: bool
    made: int = 0
    paint: str = ""
    on_make: Callable[[], DomainError | None] = lambda: None
    roles: dict[str, frozenset[str]] = field(default_factory=lambda: {"ann": frozenset({"read"})})

    def start(self) -> Proceed:
        tags = Caching(ttl_seconds=60, tags=lambda query: (f"fence:{query.fence}",), shared=self.shared)
        return request_chain(GetFence, Policy(permission="read", caching=tags), self._build, self.aws.runtime, self)

    def permissions(self, principal: Principal, workspace_id: str) -> frozenset[str] | None:
        return self.roles.get(principal.user_id) if isinstance(principal, User) else None

    def _build(self, _scope: ReadScope) -> Callable[[GetFence], Result[Fence]]:
        def get(_query: GetFence) -> Result[Fence]:
            self.made += 1
            number, error = self.made, self.on_make()
            return Failure(error) if error else Success(Fence(number=number, paint=self.paint))

        return get

    def ask(self, process: Proceed, fence: str = "f", workspace_id: str = WORKSPACE, user: User = ANN) -> Any:
        """The number of the answer, or what it was refused with."""
        result = process(GetFence(fence=fence), self._context(workspace_id, user))
        return result.value.number if isinstance(result, Success) else result.error.code

    def change(self, tag: str = "fence:f", workspace_id: str = WORKSPACE) -> None:
        runtime, context = self.aws.runtime, self._context(workspace_id, ANN)
        uow = runtime.begin(context)
        raise_tag(WriteScope(runtime, context, uow=uow), workspace_id, tag)
        uow.commit()

    def _context(self, workspace_id: str, user: User) -> Context:
        now = self.aws.clock.now()
        return Context(
            message_id=self.aws.ids.new(),
            correlation_id="c",
            received_at=now,
            deadline=now + timedelta(seconds=20),
            principal=user,
            workspace_id=workspace_id,
        )


@pytest.fixture(params=[False, True], ids=["in memory", "shared"])
def processes(aws: Aws, request: pytest.FixtureRequest) -> Processes:
    return Processes(aws, shared=bool(request.param))


@pytest.fixture
def sharing(aws: Aws) -> Processes:
    return Processes(aws, shared=True)


def test_a_change_puts_an_answer_out_of_date_in_every_process(processes: Processes) -> None:
    first, second = processes.start(), processes.start()
    before = [processes.ask(first), processes.ask(second)]
    assert [processes.ask(first), processes.ask(second)] == before
    processes.change()
    after = [processes.ask(first), processes.ask(second)]
    assert not set(before) & set(after)
    assert [processes.ask(first), processes.ask(second)] == after


def test_a_change_leaves_other_answers_alone(processes: Processes) -> None:
    process = processes.start()
    kept = [processes.ask(process), processes.ask(process, "g"), processes.ask(process, workspace_id=OTHER)]
    processes.change("fence:g")
    processes.change("fence:f", OTHER)
    again = [processes.ask(process), processes.ask(process, "g"), processes.ask(process, workspace_id=OTHER)]
    assert [one == other for one, other in zip(kept, again, strict=True)] == [True, False, False]


def test_an_answer_that_a_change_overtook_is_out_of_date(processes: Processes) -> None:
    process = processes.start()

    def change_meanwhile() -> None:
        processes.on_make = lambda: None
        processes.change()

    processes.on_make = change_meanwhile
    assert [processes.ask(process) for _ in range(3)] == [1, 2, 2]


def test_an_old_version_never_comes_back(processes: Processes) -> None:
    """Not even when the change that made it is delivered again."""
    process = processes.start()
    for _ in range(3):
        processes.change()
        processes.ask(process)
    assert processes.made == 3


def test_an_answer_lasts_for_its_time(processes: Processes) -> None:
    process = processes.start()
    assert processes.ask(process) == 1
    processes.aws.clock.advance(seconds=59)
    assert processes.ask(process) == 1
    processes.aws.clock.advance(seconds=1)
    assert processes.ask(process) == 2


def test_an_answer_is_made_once_for_all_processes(sharing: Processes) -> None:
    assert [sharing.ask(sharing.start()) for _ in range(5)] == [1] * 5
    sharing.aws.clock.advance(seconds=60)
    assert [sharing.ask(sharing.start()) for _ in range(5)] == [2] * 5


def test_what_is_in_memory_is_made_once_by_each_process(aws: Aws) -> None:
    processes = Processes(aws, shared=False)
    assert [processes.ask(processes.start()) for _ in range(3)] == [1, 2, 3]
    assert aws.items("ephemeral") == []


def test_a_shared_answer_crosses_neither_workspaces_nor_roles(sharing: Processes) -> None:
    bob = User("bob", "s-2")
    sharing.roles["bob"] = frozenset({"read", "write"})
    answers = [
        sharing.ask(sharing.start()),
        sharing.ask(sharing.start(), workspace_id=OTHER),
        sharing.ask(sharing.start(), user=bob),
        sharing.ask(sharing.start(), "g"),
    ]
    assert len(set(answers)) == 4


def test_who_may_no_longer_see_an_answer_does_not(processes: Processes) -> None:
    process = processes.start()
    assert processes.ask(process) == 1
    processes.roles["ann"] = frozenset({"nothing"})
    assert processes.ask(process) == "forbidden"
    del processes.roles["ann"]
    assert processes.ask(process) == "not-found"


def test_a_failure_is_kept_nowhere_and_holds_up_nobody(sharing: Processes) -> None:
    sharing.on_make = lambda: Conflict("no")
    assert sharing.ask(sharing.start()) == "conflict"

    def crash() -> None:
        raise RuntimeError("a bug")

    sharing.on_make = crash
    assert sharing.ask(sharing.start()) == "internal-error"
    sharing.on_make = lambda: None
    assert [sharing.ask(sharing.start()), sharing.ask(sharing.start())] == [3, 3]


def test_a_large_answer_stays_in_memory_and_holds_up_nobody(sharing: Processes) -> None:
    sharing.paint = "x" * MAX_SHARED_BYTES
    first, second = sharing.start(), sharing.start()
    assert [sharing.ask(first), sharing.ask(second), sharing.ask(first), sharing.ask(second)] == [1, 2, 1, 2]
    (row,) = sharing.aws.items("ephemeral")
    assert "maker" not in row


def test_an_answer_of_another_release_is_made_anew(sharing: Processes) -> None:
    sharing.ask(sharing.start())
    (row,) = sharing.aws.items("ephemeral")
    row["answer"] = {"S": '{"colour": "red"}'}
    sharing.aws.client("dynamodb").put_item(TableName=sharing.aws.settings.table("ephemeral"), Item=row)
    assert [sharing.ask(sharing.start()), sharing.ask(sharing.start())] == [2, 2]
